"""Public data sets: their terms, and what is not known of networks that are trained on them; for the cards."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Terms", "terms_of"]

_UNKNOWN = "not known to the package"


@dataclass(frozen=True)
class Terms:
    """Where data comes from, what it may be used for, and how far it goes.

    Attributes:
        licence: of the images and masks.
        citation: who made them.
        note: what they are.
        limits: what a score on them doesn't say.
    """

    licence: str
    citation: str
    note: str
    limits: str = ""

    def to_dict(self) -> dict[str, str]:
        """What a card says of its data, for JSON."""
        return {"licence": self.licence, "citation": self.citation, "note": self.note}


_TERMS = {
    "brain_tumor_mri": Terms(
        licence="CC BY 4.0",
        citation="Cheng et al., PLoS ONE 10(10):e0140381, 2015; figshare 1512427",
        note="T1 contrast-enhanced MRI slices, box-downsampled to 128x128; folds are the authors', patient-wise",
        limits="Every slice of the data has a tumour of one of three kinds, so nobody knows what the network marks in "
               "a healthy brain or in another kind of tumour; other scanners and sequences were not tried.",
    ),
    "nuclei_dsb2018": Terms(
        licence="CC0",
        citation="Data Science Bowl 2018, stage 1, with public fixes",
        note="fluorescence nuclei at 256x256",
        limits="Fluorescence images only, no stained tissue; nuclei that touch become one area.",
    ),
    "isbi2012_em": Terms(
        licence="for generating or testing non-commercial image segmentation software only",
        citation="Cardona et al., PLoS Biol 8(10):e1000502, 2010; ISBI 2012 challenge",
        note="NON-COMMERCIAL USE ONLY, and so is what is trained on it",
        limits="Slices of one stack of one animal: those that are scored on are neighbours of those that were learnt "
               "from.",
    ),
}


def terms_of(data_set: str) -> Terms:
    """Terms of the data set of that folder name; says that it does not know where it does not."""
    return _TERMS.get(data_set, Terms(licence=_UNKNOWN, citation=_UNKNOWN, note=""))
