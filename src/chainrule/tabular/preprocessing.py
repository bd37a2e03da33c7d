"""From a table to the inputs of a network: what its columns become is learned once, then done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.preprocessing import OneHotEncoder

from chainrule._types import FloatArray
from chainrule.tabular.dates import cycles_in, to_days, waves
from chainrule.tabular.roles import Role, as_role, find_roles
from chainrule.tabular.scaling import NumberScaling
from chainrule.tabular.tables import Table

# No word of a table begins with a space.
MISSING, OTHER = " missing", " other"

# A category seen less often than this is one of the others, and so are those past the most common.
FEWEST_SEEN, MOST_CATEGORIES = 3, 2000

# Weights of the layer of learned vectors: a gigabyte in float32, and training needs several.
MOST_WEIGHTS = 2**28

# One-hot columns of which a matrix of all inputs is kept sparse.
MANY_COLUMNS = 256


@dataclass(frozen=True)
class Embedded:
    """One-hot columns `start` … `stop` of the inputs, for which vectors of `size` are learned."""

    name: str
    start: int
    stop: int
    size: int


class Preprocessing:
    """Turns the columns of a table into the inputs of a network.

    Parameters
    ----------
    scaling : {"robust", "quantile"}
        How numbers are scaled; see :class:`~chainrule.tabular.scaling.NumberScaling`.
    max_one_hot : int
        A column of more categories than this gets a learned vector for each of them.
    categorical, numeric : collection of str
        Columns that are categories, or numbers, whatever they hold.

    Attributes
    ----------
    roles : list of Role
        What each column is, in the order of the table.
    cycles : dict of str to list of str
        The cycles of each column of dates.
    categories : dict of str to list of str
        The categories of each column that has some.
    embedded : list of Embedded
    n_inputs : int
    """

    def __init__(
        self,
        scaling: str,
        max_one_hot: int,
        categorical: Collection[str] = (),
        numeric: Collection[str] = (),
    ) -> None:
        self.scaling, self.max_one_hot = scaling, max_one_hot
        self.categorical, self.numeric = categorical, numeric

    def fit(self, table: Table) -> Preprocessing:
        """Learn from the rows of a table what its columns become. Raises ValueError if none is."""
        self.roles = find_roles(table, self.categorical, self.numeric)
        if all(role.kind == "dropped" for role in self.roles):
            reasons = "; ".join(f"{role.name}: {role.reason}" for role in self.roles)
            raise ValueError(f"no column of X can be learned from: {reasons}")
        dates = {role.name: as_role(table.columns[role.name], role) for role in self.of("date")}
        self.cycles = {name: cycles_in(seconds) for name, seconds in dates.items()}
        self.categories = {
            role.name: learn_categories(as_role(table.columns[role.name], role))
            for role in self.of("category")
        }
        self.numbers = NumberScaling(self.scaling).fit(self._numbers(table))
        self.lay_out()
        self._check_size()
        return self

    def _check_size(self) -> None:
        """Raise ValueError if the layer of learned vectors would be too large for any memory."""
        many = sum(e.stop - e.start for e in self.embedded)
        n_out = self.n_inputs - many + sum(e.size for e in self.embedded)
        if self.embedded and self.n_inputs * n_out > MOST_WEIGHTS:
            raise ValueError(
                f"X must have fewer categories: {len(self.embedded)} columns have {many:,}, and "
                f"their vectors would be learned in a layer of {self.n_inputs:,} x {n_out:,} "
                f"weights. Leave columns out, or raise max_one_hot, which was {self.max_one_hot}"
            )

    def lay_out(self) -> None:
        """Find where the columns lie among the inputs: those with vectors are the last.

        All else must be known: the roles, the cycles, the categories and the scales.
        """
        few = [n for n, words in self.categories.items() if len(words) <= self.max_one_hot]
        many = [name for name in self.categories if name not in few]
        self.encoders = {
            name: OneHotEncoder(
                categories=[self.categories[name]], handle_unknown="ignore", dtype=np.float32
            ).fit([[self.categories[name][0]]])
            for name in few + many
        }
        end = self.numbers.n_outputs + sum(2 * len(cycles) for cycles in self.cycles.values())
        end += sum(len(self.categories[name]) for name in few)
        self.embedded = []
        for name in many:
            n = len(self.categories[name])
            self.embedded.append(Embedded(name, end, end + n, vector_size(n)))
            end += n
        self.n_inputs = end

    def transform(self, table: Table, dtype: npt.DTypeLike) -> Any:
        """Return the inputs (m, n_inputs) of a table: an array, or a CSR matrix if it is wide.

        Raises ValueError if a column is not there, or not what it was in training.
        """
        self.check_columns(table)
        parts: list[Any] = [self.numbers.transform(self._numbers(table))]
        for role in self.of("date"):
            seconds = as_role(table.columns[role.name], role)
            parts.append(np.nan_to_num(waves(seconds, self.cycles[role.name])))
        roles = {role.name: role for role in self.of("category")}
        for name, encoder in self.encoders.items():
            role = roles[name]
            words = as_known(as_role(table.columns[name], role), self.categories[name])
            parts.append(encoder.transform(words.reshape(-1, 1)))
        one_hot = self.n_inputs - sum(part.shape[1] for part in parts if not sparse.issparse(part))
        if one_hot > MANY_COLUMNS:
            return sparse.hstack([sparse.csr_array(p, dtype=dtype) for p in parts], format="csr")
        dense = [part.toarray() if sparse.issparse(part) else part for part in parts]
        return np.hstack(dense).astype(dtype)

    def input_names(self) -> list[str]:
        """Return a name for each input that `transform` returns, such as ``colour = red``."""
        scaled = [role.name for role in self.of("number")]
        scaled += [f"{role.name} (days)" for role in self.of("date")]
        gone = zip(scaled, self.numbers.with_missing, strict=True)
        names = scaled + [f"{name} is missing" for name, some in gone if some]
        for role in self.of("date"):
            for cycle in self.cycles[role.name]:
                names += [f"{role.name} ({wave} of the {cycle})" for wave in ("sine", "cosine")]
        for name, encoder in self.encoders.items():
            names += [f"{name} = {word.strip()}" for word in encoder.categories_[0]]
        return names

    def check_columns(self, table: Table) -> None:
        """Raise ValueError if a column that was learned from is not in a table."""
        gone = [
            role.name
            for role in self.roles
            if role.name not in table.columns and role.kind != "dropped"
        ]
        if gone:
            raise ValueError(
                f"X must have the columns of training; {', '.join(map(repr, gone))} "
                f"{'is' if len(gone) == 1 else 'are'} not among {', '.join(table.columns)}"
            )

    def of(self, kind: str) -> list[Role]:
        """Return the columns of a kind."""
        return [role for role in self.roles if role.kind == kind]

    def _numbers(self, table: Table) -> FloatArray:
        """Return what is to be scaled, numbers first, then dates as days (m, n)."""
        columns = [as_role(table.columns[role.name], role) for role in self.of("number")]
        columns += [to_days(as_role(table.columns[r.name], r)) for r in self.of("date")]
        return np.column_stack(columns) if columns else np.empty((table.n_rows, 0))

    def becomes(self, role: Role) -> str:
        """Say in a few words what becomes of a column."""
        if role.kind == "dropped":
            return f"dropped: {role.reason}"
        n = len(self.categories.get(role.name, ()))
        vector = next((e.size for e in self.embedded if e.name == role.name), None)
        if vector is not None:
            text = f"{n} categories, a learned vector of {vector} for each"
        elif role.kind == "category":
            text = f"{n} categories, a column of 0 and 1 for each"
        else:
            how = (
                "by median and quartiles"
                if self.scaling == "robust"
                else "to a normal distribution"
            )
            text = f"scaled {how}"
            if role.kind == "date":
                text = ", ".join(
                    ["days, " + text, *(f"place in the {c}" for c in self.cycles[role.name])]
                )
            if role.missing:
                text += ", and a column that says where it is missing"
        return f"{text} ({role.reason})" if role.reason else text


def vector_size(n_categories: int) -> int:
    """Return how many numbers stand for one of so many categories: 1.6 n^0.56, at most 32.

    The rule of thumb of fastai's tabular models (Howard & Gugger, 2020, JMLR Information 11).
    """
    return min(32, round(float(1.6 * n_categories**0.56)))


def learn_categories(words: npt.NDArray[Any]) -> list[str]:
    """Return the categories of words (m,), the most common first; rare ones are `OTHER`."""
    counts = Counter(MISSING if word is None else word for word in words)
    common = [w for w, n in counts.most_common(MOST_CATEGORIES) if n >= FEWEST_SEEN or w == MISSING]
    return common if len(common) == len(counts) else [*common, OTHER]


def as_known(words: npt.NDArray[Any], categories: list[str]) -> npt.NDArray[Any]:
    """Return words (m,) as those of `categories`; what is not among them is `OTHER`."""
    known = set(categories)
    if known <= {"True", "False", MISSING, OTHER}:  # flags, however they are written
        flags = {"1": "True", "true": "True", "0": "False", "false": "False"}
        words = np.array([flags.get(str(w).lower(), w) for w in words], dtype=object)
    meant = {word: MISSING if word is None else word for word in set(words)}
    meant = {word: mean if mean in known else OTHER for word, mean in meant.items()}
    made = np.empty(len(words), dtype=object)
    made[:] = [meant[word] for word in words]
    return made
