"""Setting a report's pages: report.json in, tagged PDF/A-3a with PDF/UA-1 claim out.

Runs in the confined process that ``render`` starts. Nothing here reads a clock, the network
or the machine's fonts; the same bytes in give the same bytes out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, fromstring, register_namespace, tostring

from app.reporting.columns import shares
from app.reporting.finishing import finish
from app.reporting.glyphs import covered, printable, throughout

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from weasyprint import HTML, Document
    from weasyprint.urls import URLFetcher

    from app.core.jsonvalue import Json
    from app.core.report.files import EmbeddedFile

REPORT = "report.json"

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PDFUAID = "http://www.aiim.org/pdfua/ns/id/"
EXTENSION = "http://www.aiim.org/pdfa/ns/extension/"
SCHEMA = "http://www.aiim.org/pdfa/ns/schema#"
PROPERTY = "http://www.aiim.org/pdfa/ns/property#"


@dataclass(frozen=True, slots=True)
class Pages:
    pdf: bytes
    page_count: int


def typeset(report: bytes, files: Sequence[EmbeddedFile], folder: Path) -> Pages:
    """Set ``report``, the bytes of report.json, on pages and embed it and ``files``.

    ``folder``: the templates, style sheet and fonts.
    """
    from weasyprint import Attachment

    digest = sha256(report).hexdigest()
    values = json.loads(report)
    made_at = datetime.fromisoformat(values["created_at"]).astimezone(UTC)
    attached = [(REPORT, "The data these pages were set from", "Source", report)]
    attached += [(file.name, file.description, "Supplement", file.content) for file in files]
    document = _html(values, digest, folder).render(pdf_tags=True)
    _claim_accessibility(document)
    pdf = document.write_pdf(
        pdf_variant="pdf/a-3a",
        pdf_identifier=bytes.fromhex(digest)[:16],
        attachments=[
            Attachment(
                file_obj=BytesIO(content),
                name=name,
                description=description,
                relationship=relationship,
                created=made_at,
                modified=made_at,
            )
            for name, description, relationship, content in sorted(attached)
        ],
    )
    types = {file.name: file.media_type for file in files} | {REPORT: "application/json"}
    return Pages(finish(pdf, types), len(document.pages))


def _html(values: Json, digest: str, folder: Path) -> HTML:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from weasyprint import HTML

    known = covered(folder / "fonts")
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"clip": _clip, "shares": shares}
    shown = throughout(values, lambda text: printable(text, known))
    page = environment.get_template("report.html").render(report=shown, data_digest=digest)
    return HTML(string=page, base_url="asset:", url_fetcher=_assets(folder))


def _clip(text: str, length: int) -> str:
    """Shorten a drawing's label; the table beside each drawing has it in full."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _assets(folder: Path) -> URLFetcher:
    """Return a fetcher that knows ``asset:`` names in ``folder`` and nothing else."""
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class Assets(URLFetcher):  # type: ignore[misc]
        def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:  # noqa: ARG002
            scheme, _, name = url.partition(":")
            path = (folder / name).resolve()
            if scheme != "asset" or not path.is_relative_to(folder.resolve()):
                raise ValueError(f"a report may load nothing from {scheme}: addresses")
            return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": "text/css"})

    return Assets()


def _claim_accessibility(document: Document) -> None:
    """Add the PDF/UA identification to the metadata that says PDF/A.

    A PDF/A file must describe foreign properties in an extension schema (ISO 19005-3,
    6.6.2.3); both belong into one rdf:RDF.
    """
    generate = document.metadata.generate_rdf_metadata

    def generate_both(*variant: object) -> bytes:
        rdf = fromstring(generate(*variant))  # noqa: S314 - our own metadata
        about = SubElement(rdf, f"{{{RDF}}}Description", {f"{{{RDF}}}about": ""})
        SubElement(about, f"{{{PDFUAID}}}part").text = "1"
        about.append(_extension())
        both: bytes = tostring(rdf, encoding="utf-8")
        return both

    document.metadata.generate_rdf_metadata = generate_both


def _extension() -> Element:
    register_namespace("pdfaExtension", EXTENSION)
    register_namespace("pdfaSchema", SCHEMA)
    register_namespace("pdfaProperty", PROPERTY)
    resource = {f"{{{RDF}}}parseType": "Resource"}
    schemas = Element(f"{{{EXTENSION}}}schemas")
    bag = SubElement(schemas, f"{{{RDF}}}Bag")
    schema = SubElement(bag, f"{{{RDF}}}li", resource)
    SubElement(schema, f"{{{SCHEMA}}}schema").text = "PDF/UA identification"
    SubElement(schema, f"{{{SCHEMA}}}namespaceURI").text = PDFUAID
    SubElement(schema, f"{{{SCHEMA}}}prefix").text = "pdfuaid"
    properties = SubElement(SubElement(schema, f"{{{SCHEMA}}}property"), f"{{{RDF}}}Seq")
    part = SubElement(properties, f"{{{RDF}}}li", resource)
    SubElement(part, f"{{{PROPERTY}}}name").text = "part"
    SubElement(part, f"{{{PROPERTY}}}valueType").text = "Integer"
    SubElement(part, f"{{{PROPERTY}}}category").text = "internal"
    SubElement(part, f"{{{PROPERTY}}}description").text = "Part of ISO 14289 followed"
    return schemas
