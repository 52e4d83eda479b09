"""An invented page, its Graph API, and a listener on it."""

import asyncio
import logging
from contextlib import asynccontextmanager

from config.section import Secret
from config.settings import FacebookPage, FacebookSettings
from listeners.facebook import FacebookListener
from listeners.graph import Graph
from listeners.imitations.facebook import FacebookImitation

PAGE, TOKEN, APP_SECRET = "1001", "EAAtokenThatMustNeverShow", "appSecretThatMustNeverShow"
ADA, BO, CY = ("7001", "Ada"), ("7002", "Bo"), ("7003", "Cy")


@asynccontextmanager
async def graph_api(clock=None):
    api = FacebookImitation(app_secret=APP_SECRET, now=clock.now if clock else None)
    api.add_page(PAGE, TOKEN)
    await api.start()
    try:
        yield api
    finally:
        await api.stop()


def graph(api, **more):
    return Graph(TOKEN, app_secret=APP_SECRET, base_url=api.url, **{"timeout": (1.0, 1.0), **more})


def listener(api, clock, monkeypatch, **more):
    monkeypatch.setenv("PAGE_TOKEN", TOKEN)
    monkeypatch.setenv("APP_SECRET", APP_SECRET)
    settings = FacebookSettings(
        pages=(FacebookPage(id=PAGE, access_token=Secret(env="PAGE_TOKEN"), handle="nordfunk", brand="nordfunk"),),
        app_secret=Secret(env="APP_SECRET"),
        base_url=api.url,
        **{"page_size": 3, **more},
    )
    return FacebookListener(settings, clock=clock, rng=lambda: 0.5)


@asynccontextmanager
async def running(hearing, out):
    stop = asyncio.Event()
    task = asyncio.create_task(hearing.run(out, stop))
    try:
        yield task
    finally:
        stop.set()
        async with asyncio.timeout(2):
            await task


class Everything(logging.Handler):
    """Every log line of every library, as text."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.lines = []

    def emit(self, record):
        self.lines.append(logging.Formatter().format(record))
