"""Prints "passed failed skipped" of a JUnit file; fails when there is none."""

import sys
import xml.etree.ElementTree as ET

root = ET.parse(sys.argv[1]).getroot()
passed = failed = skipped = 0
for case in root.iter("testcase"):
    # ctest says "notrun"/"disabled" in status; pytest has child elements only.
    if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
        failed += 1
    elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
        skipped += 1
    else:
        passed += 1
print(passed, failed, skipped)
