"""A line of the PBX's own records, as cdr_csv writes it."""

ANSWERED = (
    '"","0312345678","2101","from-outside","""Sato"" <0312345678>","PJSIP/outside-1","PJSIP/2101-2","Dial",'
    '"PJSIP/2101,30","2026-11-22 10:00:00","2026-11-22 10:00:05","2026-11-22 10:01:05",65,60,"ANSWERED",'
    '"DOCUMENTATION"'
)
