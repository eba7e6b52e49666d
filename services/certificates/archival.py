"""What lets an archive keep a paper (PDF/A-2u): colours that are defined, and a description inside the file."""

from datetime import datetime
from xml.sax.saxutils import escape

from fpdf import FPDF
from fpdf.enums import OutputIntentSubType
from fpdf.output import PDFICCProfile
from fpdf.prefs import ViewerPreferences
from fpdf.util import builtin_srgb2014_bytes

CREATOR = "shebao"
DESCRIPTION = """\
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"
 xmp:CreatorTool="{creator}" xmp:CreateDate="{made_at}" pdfaid:part="2" pdfaid:conformance="U">
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:language><rdf:Bag><rdf:li>zh-CN</rdf:li></rdf:Bag></dc:language>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>"""


def prepare(sheet: FPDF, *, title: str, made_at: datetime) -> None:
    """The same title and time stand in the description and in the older place that every viewer reads."""
    sheet.set_lang("zh-CN")
    sheet.set_title(title)
    sheet.set_creator(CREATOR)
    sheet.set_creation_date(made_at)
    sheet.viewer_preferences = ViewerPreferences(display_doc_title=True)
    description = DESCRIPTION.format(
        creator=CREATOR, title=escape(title), made_at=made_at.isoformat(timespec="seconds")
    )
    sheet.set_xmp_metadata(description)
    sheet.add_output_intent(
        OutputIntentSubType.PDFA,
        output_condition_identifier="sRGB",
        output_condition="IEC 61966-2-1:1999",
        registry_name="http://www.color.org",
        dest_output_profile=PDFICCProfile(contents=builtin_srgb2014_bytes(), n=3, alternate="DeviceRGB"),
        info="sRGB2014 (v2)",
    )
    sheet.pdf_version = "1.7"
