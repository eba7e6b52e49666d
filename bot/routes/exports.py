"""Lists and pictures behind their links. A link that does not work gets the same answer as a guessed one."""

from urllib.parse import quote

from sanic import Blueprint, Request
from sanic.response import HTTPResponse, raw

from bot.routes.documents import BARE, BrowserOf
from bot.routes.pages import Pages
from services.exports import Exports

TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "png": "image/png",
}


def blueprint(exports: Exports, *, browser_of: BrowserOf) -> Blueprint:
    routes = Blueprint("exports")
    pages = Pages()

    @routes.get("/exports/<token:str>")
    async def download(request: Request, token: str) -> HTTPResponse:
        file = await exports.open_file(token, browser=browser_of(request))
        if file is None:
            return pages.show("no_file")
        place = "inline" if file.form == "png" else "attachment"
        name = quote(f"{file.name}.{file.form}")
        return raw(
            file.content,
            content_type=TYPES[file.form],
            headers={
                **BARE,
                "Content-Disposition": f"{place}; filename=\"shebao.{file.form}\"; filename*=UTF-8''{name}",
                "Cross-Origin-Resource-Policy": "same-origin",
            },
        )

    return routes
