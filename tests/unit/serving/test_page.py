"""The page at /, in a real browser: what people do on it, on a screen and on a phone."""

from __future__ import annotations

import shutil

import pytest
from tests.unit.serving.served import serving, settings_of

from fieldfare.serving.page import read_parts
from fieldfare.serving.settings import ModelFiles
from fieldfare.serving.tokens import Right, Tokens

WIDE, PHONE = 1400, 400


@pytest.fixture(scope="module")
def browser():
    """Chromium, without a window."""
    playwright = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("chromium is not installed (Debian: chromium)")
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def opened(browser):
    """Return what opens the page of a server; checks at the end what the console has."""
    pages = []

    def open_it(client, width=WIDE, scheme="light"):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.told, page.asked = [], []
        page.on("console", lambda message: page.told.append(message.text))
        page.on("pageerror", lambda error: page.told.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(str(client.base_url))
        pages.append(page)
        return page

    yield open_it
    for page in pages:
        page.close()


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_a_person_sees_models_recommends_and_asks_why(client, opened, width, scheme) -> None:
    page = opened(client, width, scheme)
    page.wait_for_selector("article")
    assert "films@1" in page.inner_text("#models")
    page.fill("#recommend input[name=user]", "u1")
    page.fill("#recommend input[name=hour]", "noon")
    page.click("#recommend button")
    page.wait_for_selector("#result ol")
    asked = {"user": "u1", "contexts": {"hour": "noon"}, "fields": ["title"]}
    (expected,) = client.post("/v1/recommend", json=asked).json()["results"]
    lines = page.locator("#result li").all_inner_texts()
    assert len(lines) == 10
    for line, item in zip(lines, expected["items"], strict=True):
        assert line.startswith(item["title"])
    page.click("#result li button >> nth=0")
    page.wait_for_selector("#why .bars")
    assert expected["items"][0]["title"] in page.inner_text("#why")
    assert page.locator("#why .of").all_inner_texts().count("every row (bias)") == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.told == []
    # Nothing comes from elsewhere, so that the page works without the rest of the world.
    assert all(url.startswith((str(client.base_url), "data:")) for url in page.asked)


def test_the_keyboard_is_enough_to_score_a_row(client, opened, model) -> None:
    page = opened(client)
    page.wait_for_selector("article")
    row = {"user": "u1", "age": 30, "item": 105, "genre": "drama", "hour": "noon"}
    page.focus("#predict input[name=user]")
    for value in row.values():
        page.keyboard.type(str(value))
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#result .big")
    (expected,) = client.post("/v1/predict", json={"rows": row}).json()["predictions"]
    assert float(page.inner_text("#result .big")) == pytest.approx(expected, rel=1e-3)
    assert page.evaluate("document.activeElement.id") == "result"
    assert page.told == []


def test_a_mistake_is_told_in_words_where_it_was_made(client, opened) -> None:
    page = opened(client)
    page.wait_for_selector("article")
    page.fill("#predict input[name=age]", "old")
    page.click("#predict button")
    page.wait_for_selector("#error:not([hidden])")
    assert "column 'age'" in page.inner_text("#error")
    page.fill("#predict input[name=age]", "30")
    page.click("#predict button")
    page.wait_for_selector("#result .big")
    assert page.locator("#error").is_hidden()


def test_a_page_without_a_token_asks_for_one(files, opened) -> None:
    with serving(settings_of(films=files), tokens=Tokens({"secret": Right.READ})) as client:
        page = opened(client)
        page.wait_for_selector("#token-form:not([hidden])")
        page.fill("#token", "secret")
        page.keyboard.press("Enter")
        page.wait_for_selector("article")
        assert page.locator("#token-form").is_hidden()


def test_a_model_without_an_index_scores_only(files, opened) -> None:
    both = {"films": files, "alone": ModelFiles(model=files.model)}
    with serving(settings_of(**both)) as client:
        page = opened(client)
        page.wait_for_selector("article")
        assert page.locator("#recommend").is_visible()
        page.select_option("#model", "alone")
        assert page.locator("#recommend").is_hidden()
        assert page.locator("#predict").is_visible()


def test_rates_follow_requests(client, opened) -> None:
    page = opened(client)
    page.wait_for_selector("article")
    for _ in range(3):
        client.post("/v1/recommend", json={"user": "u2"})
    page.wait_for_selector("#rates tr:has-text('recommend')")
    assert "recommend" in page.inner_text("#rates")


def test_parts_are_sent_with_their_types_and_guards(client) -> None:
    answer = client.get("/")
    assert answer.headers["content-type"].startswith("text/html")
    for name, part in read_parts().items():
        answer = client.get(f"/page/{name}")
        assert answer.content == part.content
        assert answer.headers["content-type"] == part.media_type
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert client.get("/page/..%2Fapp.py").status_code == 404
    assert client.get("/page/nothing.js").status_code == 404
    assert b"http:" not in b"".join(part.content for part in read_parts().values())
