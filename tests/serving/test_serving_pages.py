"""What a person and Prometheus look at."""

from __future__ import annotations

import re

from numpy_models import HalfPlus, Start


def test_the_description_names_what_is_there(start: Start):
    server = start(half=HalfPlus(), other=HalfPlus())
    status, document = server.get("/openapi.json")
    assert status == 200
    assert document["openapi"].startswith("3.")
    for path, methods in document["paths"].items():
        real = path.replace("{model}", "half").replace("{version}", "1")
        for method, operation in methods.items():
            examples = operation.get("requestBody", {}).get("content", {})
            bodies = examples.get("application/json", {}).get("examples", {}) or {"": None}
            for name, example in bodies.items():
                asked = real.replace("half", name.split(" ")[0]) if name else real
                body = example["value"] if example else {}
                given = {"json": body} if method == "post" else {}
                answer = server.client.request(method, asked, **given)
                assert answer.status_code == (200 if example or method == "get" else 400), asked
    names = document["paths"]["/v1/models/{model}:predict"]["post"]["parameters"][0]
    assert names["schema"]["enum"] == ["half", "other"]


def test_the_page_of_it_asks_no_other_server(start: Start):
    answer = start(half=HalfPlus()).client.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "http" not in answer.headers["content-security-policy"]
    assert re.findall(r"(?:https?:)?//\w", answer.text) == []
    assert 'fetch("/openapi.json")' in answer.text


def test_what_prometheus_reads(start: Start):
    server = start(half=HalfPlus())
    server.post("half:predict", {"instances": [1.0, 2.0]})
    server.post("half:predict", b"")
    server.post("none:predict", b"")
    answer = server.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    for line in (
        'nnguide_requests_total{method="predict",model="half",status="200"} 1.0',
        'nnguide_requests_total{method="predict",model="half",status="400"} 1.0',
        'nnguide_requests_total{method="predict",model="",status="404"} 1.0',
        'nnguide_batch_rows_sum{model="half"} 2.0',
        'nnguide_model_version{model="half"} 1.0',
        "nnguide_waiting_requests 0.0",
    ):
        assert line in lines
