"""Prints "passed failed skipped" of a JUnit file; fails when there is none, or no test in it."""

import sys
import xml.etree.ElementTree as ET


def outcome(case):
    skip = case.find("skipped")
    if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
        return "failed"
    # ctest calls both a test that asked to be skipped and one whose program is missing "notrun".
    if case.get("status") == "notrun" and not (skip is not None and skip.get("message", "").startswith("SKIP_")):
        return "failed"
    return "skipped" if skip is not None or case.get("status") == "disabled" else "passed"


outcomes = [outcome(case) for case in ET.parse(sys.argv[1]).getroot().iter("testcase")]
if not outcomes:
    sys.exit(f"{sys.argv[1]}: no tests")
print(*(outcomes.count(name) for name in ("passed", "failed", "skipped")))
