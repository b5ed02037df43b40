"""A campaign and its contacts as files, and the answers of commands on them."""

import json

CSV = """phone,name,appointment
+12125550111,Ada,Monday
(212) 555-0112,Ben,Tuesday
+12125550111,Ada again,Monday
123,Cleo,Monday
+12125550114,Dan,Friday
"""
FILE = """
name = "spring"
flow = "reminder"
kind = "informational"
from = "+12125550100"
price_per_call = 0.01
price_per_minute = 0.02
"""


def told(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
