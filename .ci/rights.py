"""Compares the rights that the chart gives with those that the transports' pages name.

    rights.py PAGE ROLES MANIFESTS ROLE

PAGE names them in YAML blocks with Roles, whose names ROLES lists with commas between; ROLE, in what the chart rendered,
has to have all of these rights and no other.
"""

import re
import sys

import yaml


def rights(role):
    return {
        (group, resource, verb, name)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", ["*"])
    }


def roles(documents):
    return {one["metadata"]["name"]: one for one in documents if one and one.get("kind") == "Role"}


def main(page, wanted, manifests, role):
    with open(page) as text:
        blocks = re.findall(r"^```yaml\n(.*?)^```", text.read(), re.DOTALL | re.MULTILINE)
    documented = roles(
        one for block in blocks if "kind: Role\n" in block for one in yaml.safe_load_all(block)
    )
    with open(manifests) as text:
        rendered = roles(yaml.safe_load_all(text))
    named = set().union(*(rights(documented[name]) for name in wanted.split(",")))
    given = rights(rendered[role])
    for right in sorted(named - given):
        print(f"{role} of {manifests} lacks {right}, which {page} names")
    for right in sorted(given - named):
        print(f"{role} of {manifests} gives {right}, which {page} does not name")
    return named != given


sys.exit(main(*sys.argv[1:]))
