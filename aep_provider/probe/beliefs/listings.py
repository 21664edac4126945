"""Beliefs about listings of datasets."""

from __future__ import annotations

from aep_provider.probe.belief import Belief, Level

_FILTER = "Catalog API guide, filter data"

BELIEFS = (
    Belief(
        id="page-limit",
        statement="limit is 1 to 100; more, or less, is refused with 400.",
        level=Level.LIVE,
        source="documented; that more is refused and not cut is seen in two records",
        rests="aep/catalog.py",
        if_false="Nothing breaks: the provider asks for 100.",
        how="List with 101, and with 0.",
    ),
    Belief(
        id="past-the-end",
        statement="A page after the last one is an empty object.",
        level=Level.LIVE,
        source="another client stops there; the description lists a 404",
        rests="aep/paginate.py",
        if_false="A listing whose last page is full ends in an error.",
        how="List from an offset that no sandbox reaches.",
    ),
    Belief(
        id="page-whole",
        statement="A page holds as many datasets as it was asked for, if there are so many.",
        level=Level.ASSUMED,
        source="no source says otherwise",
        rests="aep/paginate.py",
        if_false="Listings take more requests; below 20 a page counts as the last one.",
        how="List the scratch datasets on one page, and go on behind it.",
        switch="page_cap",
    ),
    Belief(
        id="start-offset",
        statement="start counts datasets from 0.",
        level=Level.LIVE,
        source="documented; another client's record",
        rests="aep/paginate.py",
        if_false="Listings miss a dataset on each page.",
        how="List two datasets one by one, and together.",
    ),
    Belief(
        id="name-filter",
        statement="name= lists only datasets of that name.",
        level=Level.DOCUMENTED,
        source=_FILTER,
        rests="aep/catalog.py",
        if_false="Looking a name up reads every dataset of the sandbox.",
        how="List a name that nobody has, and one of a scratch dataset.",
        switch="name_filter",
    ),
    Belief(
        id="name-wildcard",
        statement="* in name= stands for any text.",
        level=Level.DOCUMENTED,
        source=_FILTER,
        rests="aep/catalog.py",
        if_false="A dataset whose name holds a comma or an asterisk is created a second time.",
        how="List the beginning of a scratch dataset's name with *.",
    ),
    Belief(
        id="name-comma",
        statement="A comma in name= means any of several names.",
        level=Level.DOCUMENTED,
        source=f"{_FILTER}: its sample; its prose says the opposite",
        rests="aep/catalog.py",
        if_false="Nothing breaks: commas are never sent.",
        how="List two names, one of which nobody has.",
    ),
    Belief(
        id="tag-filter",
        statement="tags=key:* lists only datasets with that tag.",
        level=Level.DOCUMENTED,
        source=_FILTER,
        rests="aep/catalog.py, operations/ownership.py",
        if_false="Looking for datasets of one's own reads every dataset of the sandbox, or misses them.",
        how="List a tag that nobody has, and one of a scratch dataset.",
        switch="tag_filter",
    ),
    Belief(
        id="tag-colon",
        statement="The first colon in tags= ends the key; those after it belong to the value.",
        level=Level.INFERRED,
        source="the values of Adobe's own tags hold colons",
        rests="nothing; only key:* is sent",
        if_false="Nothing breaks.",
        how="List a value with a colon in it.",
    ),
)
