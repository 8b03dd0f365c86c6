"""A sheet of XlsxWriter that keeps all digits of a number, as Excel itself does; XlsxWriter writes 16 of the 17."""

from collections.abc import Iterable

from xlsxwriter.worksheet import Worksheet


class ExactWorksheet(Worksheet):
    """A sheet whose numbers are written as the shortest decimal that is read back as the same number."""

    def _xml_number_element(self, number: float, attributes: Iterable[tuple[str, str | int]] = ()) -> None:
        """Write the cell of a number."""
        text = "".join(f' {name}="{value}"' for name, value in attributes)
        self.fh.write(f"<c{text}><v>{number!r}</v></c>")
