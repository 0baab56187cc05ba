"""Terms of public data sets, for the cards of what is trained on them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

__all__ = ["Terms", "terms_of"]


@dataclass(frozen=True)
class Terms:
    """Where data comes from and what it may be used for."""

    licence: str
    citation: str
    note: str

    def to_dict(self) -> dict[str, str]:
        """Plain values, for JSON."""
        return asdict(self)


_TERMS = {
    "brain_tumor_mri": Terms(
        licence="CC BY 4.0",
        citation="Cheng et al., PLoS ONE 10(10):e0140381, 2015; figshare 1512427",
        note="T1 contrast-enhanced MRI slices, box-downsampled to 128x128; folds are the authors', patient-wise",
    ),
    "nuclei_dsb2018": Terms(
        licence="CC0",
        citation="Data Science Bowl 2018, stage 1, with public fixes",
        note="fluorescence nuclei at 256x256",
    ),
    "isbi2012_em": Terms(
        licence="for generating or testing non-commercial image segmentation software only",
        citation="Cardona et al., PLoS Biol 8(10):e1000502, 2010; ISBI 2012 challenge",
        note="NON-COMMERCIAL USE ONLY, and so is what is trained on it",
    ),
}


def terms_of(data_set: str) -> Terms:
    """Terms of the data set of that folder name; says that it does not know where it does not."""
    return _TERMS.get(data_set, Terms(licence="not known to the package", citation="not known to the package", note=""))
