"""One organization against an edition: light, funnel point, run chart, distribution, and the sentence.

Reads editions only, never the lake.
"""
