"""Lists that a resident takes along, as spreadsheet and PDF, and pictures of them, behind expiring links."""

from services.exports.service import Exports, File, Handed
from services.exports.table import Bar, Column, Table

__all__ = ["Bar", "Column", "Exports", "File", "Handed", "Table"]
