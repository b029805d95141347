"""Writes template.yaml as SAM expands it, in JSON: expand.py TEMPLATE REGION.

It needs what "pip install cfn-lint" brings along, and ends with 3 where that
is missing. The functions' code is named as if it were uploaded."""

import json
import sys

try:
    import boto3
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator
    from samtranslator.yaml_helper import yaml_parse
except ImportError:
    sys.exit(3)

with open(sys.argv[1], encoding="utf-8") as file:
    template = yaml_parse(file.read())
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        resource["Properties"]["CodeUri"] = "s3://bucket/key"
session = boto3.Session(region_name=sys.argv[2])
json.dump(Translator({}, Parser(), boto_session=session).translate(template, {}), sys.stdout)
