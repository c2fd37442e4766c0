"""Seven official files with every quirk, small enough to work out by hand.

AAA-2013J (40 days from 1 October 2013) is whole: its clicks go on until day 39.
AAA-2014J (40 days from 1 October 2014) is cut: its clicks stop on day 10, so it is
observed until day 9. BBB-2013B has no clicks.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

TINY: Mapping[str, str] = {
    "courses": """\
code_module,code_presentation,module_presentation_length
AAA,2013J,40
AAA,2014J,40
BBB,2013B,30
""",
    "assessments": """\
code_module,code_presentation,id_assessment,assessment_type,date,weight
AAA,2013J,101,TMA,5,20
AAA,2013J,102,CMA,20,30
AAA,2013J,103,Exam,?,100
AAA,2014J,201,TMA,8,50
BBB,2013B,301,TMA,9,100
""",
    "vle": """\
id_site,code_module,code_presentation,activity_type,week_from,week_to
1,AAA,2013J,homepage,?,?
2,AAA,2013J,resource,3,4
3,AAA,2014J,homepage,?,?
4,BBB,2013B,homepage,?,?
""",
    "studentInfo": """\
code_module,code_presentation,id_student,gender,region,highest_education,imd_band,age_band,num_of_prev_attempts,studied_credits,disability,final_result
AAA,2013J,11,F,Wales,HE Qualification,10-20,0-35,0,60,N,Pass
AAA,2013J,12,M,Wales,HE Qualification,?,0-35,1,60,Y,Withdrawn
AAA,2013J,13,M,Wales,HE Qualification,20-30%,35-55,0,120,N,Fail
AAA,2013J,14,F,Wales,HE Qualification,20-30%,35-55,0,120,N,Withdrawn
AAA,2013J,15,F,Wales,HE Qualification,20-30%,55<=,0,120,N,Fail
AAA,2013J,16,F,Wales,HE Qualification,20-30%,55<=,0,120,N,Distinction
AAA,2013J,17,F,Wales,HE Qualification,20-30%,55<=,0,120,N,Withdrawn
AAA,2013J,18,F,Wales,HE Qualification,20-30%,55<=,0,120,N,Withdrawn
AAA,2014J,11,F,Wales,HE Qualification,20-30%,0-35,0,60,N,Pass
AAA,2014J,22,M,Wales,HE Qualification,20-30%,0-35,0,60,N,Withdrawn
AAA,2014J,23,M,Wales,HE Qualification,20-30%,0-35,0,60,N,Withdrawn
BBB,2013B,31,M,Wales,HE Qualification,20-30%,0-35,0,60,N,Pass
""",
    "studentRegistration": """\
code_module,code_presentation,id_student,date_registration,date_unregistration
AAA,2013J,11,-20,?
AAA,2013J,12,-30,7
AAA,2013J,13,2,?
AAA,2013J,14,-9,?
AAA,2013J,15,-9,3
AAA,2013J,16,?,?
AAA,2013J,17,?,-1
AAA,2013J,18,-9,99
AAA,2014J,11,-5,?
AAA,2014J,22,-5,9
AAA,2014J,23,-5,8
BBB,2013B,31,-5,?
AAA,2013J,77,-5,?
""",
    "studentAssessment": """\
id_assessment,id_student,date_submitted,is_banked,score
101,11,5,0,80
102,11,20,0,70
101,13,6,0,
103,13,39,0,10
102,16,-1,1,90
101,16,4,0,55.5
201,11,8,0,60
201,22,9,0,60
301,31,9,0,60
999,11,9,0,60
101,77,9,0,60
""",
    "studentVle": """\
code_module,code_presentation,id_student,id_site,date,sum_click
AAA,2013J,11,1,-2,4
AAA,2013J,11,1,3,1
AAA,2013J,11,1,3,1
AAA,2013J,11,2,39,9
AAA,2013J,12,1,7,2
AAA,2013J,16,1,-4,1
AAA,2013J,16,1,0,1
AAA,2013J,77,1,1,1
AAA,2013J,11,88,1,1
AAA,2014J,11,3,0,5
AAA,2014J,11,3,8,5
AAA,2014J,11,3,9,5
AAA,2014J,22,3,10,5
""",
}


def write_tiny(folder: Path, **changed: str | None) -> Path:
    """Writes the files, half of them gzipped; `changed` replaces some, None omits."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, text) in enumerate({**TINY, **changed}.items()):
        if text is None:
            continue
        if number % 2:
            (folder / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (folder / f"{name}.csv").write_text(text)
    return folder
