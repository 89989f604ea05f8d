"""One organization against an edition: light, funnel point, run chart, distribution, and the sentence.

Reads editions only, never the lake.
"""

from __future__ import annotations

from benchwell.signals.casemix_model import ModelBehind
from benchwell.signals.compare import compare
from benchwell.signals.comparison import BenchmarkUsed, Comparison, Estimate, Figures
from benchwell.signals.edition_colours import EditionColours, MeasureColours, edition_colours
from benchwell.signals.four_views import FourViews, OwnChange, OwnView, Transition, View, four_views
from benchwell.signals.funnel_view import FunnelView, funnel_view
from benchwell.signals.gates import Gate
from benchwell.signals.lights import LightFace, face
from benchwell.signals.peers import Distribution, distribution
from benchwell.signals.reading import EditionSource
from benchwell.signals.run_chart import RunChart, RunPoint, chart_points, individual_chart, run_chart
from benchwell.signals.sentence import Sentence, sentence
from benchwell.signals.strata_view import Level, StrataView, strata_views

__all__ = [
    "BenchmarkUsed",
    "Comparison",
    "Distribution",
    "EditionColours",
    "EditionSource",
    "Estimate",
    "Figures",
    "FourViews",
    "FunnelView",
    "Gate",
    "Level",
    "LightFace",
    "MeasureColours",
    "ModelBehind",
    "OwnChange",
    "OwnView",
    "RunChart",
    "RunPoint",
    "Sentence",
    "StrataView",
    "Transition",
    "View",
    "chart_points",
    "compare",
    "distribution",
    "edition_colours",
    "face",
    "four_views",
    "funnel_view",
    "individual_chart",
    "run_chart",
    "sentence",
    "strata_views",
]
