"""The live service: a door. It parses a request, asks one function of the pipeline, and renders.

app        everything put together
routing    routes that say who may use them; one without that word does not start
access     roles and what they reach
visit      one request: who asks, in which language, and how to answer
pages/     what people see, a file per page
api/       what programs ask
"""

from benchwell.web.app import create_app

__all__ = ["create_app"]
