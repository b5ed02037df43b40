"""A phone tree in Flask: it knows telebridge as little as telebridge knows it."""

import sys

from flask import Flask, request, url_for

app = Flask(__name__)


def twiml(verbs):
    """Answer with these verbs."""
    return f"<Response>{verbs}</Response>", 200, {"Content-Type": "text/xml"}


@app.post("/voice")
def voice():
    """Ask what the caller wants."""
    say = "<Say>Welcome. For hours, press 1. For the operator, press 2.</Say>"
    return twiml(f'<Gather numDigits="1" action="{url_for("menu")}">{say}</Gather><Redirect>/voice</Redirect>')


@app.post("/menu")
def menu():
    """Answer the caller's key."""
    if request.form["Digits"] == "1":
        return twiml("<Say>We are open until five.</Say><Hangup/>")
    return twiml("<Redirect>/operator</Redirect>")


@app.post("/operator")
def operator():
    """Connect the operator."""
    return twiml("<Dial>+14155550100</Dial>")


if __name__ == "__main__":
    app.run(port=int(sys.argv[1]))
