"""What a payer sees: the figures of its own contract, or why there is nothing."""

from __future__ import annotations

from fastapi.responses import HTMLResponse

from benchwell.i18n import using
from benchwell.pipeline.live.contract import contract_view
from benchwell.register import Role
from benchwell.web.access import only
from benchwell.web.routing import Routes
from benchwell.web.visit import Here

routes = Routes()


@routes.get("/contract", only(Role.PAYER))
def contract(visit: Here) -> HTMLResponse:
    """The named contract's figures; in a workspace for learning, that and why there are none."""
    with using(visit.language):
        view = contract_view(visit.service, visit.viewer)
    return visit.page("contract.html.j2", view=view)
