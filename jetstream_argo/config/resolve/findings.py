"""Collects everything that is wrong with the files of one experiment."""

from collections.abc import Callable, Iterable

from jetstream_argo.config.schema import FileProblem
from jetstream_argo.config.templates.fill import TemplateError
from jetstream_argo.dialect.depth import wrong_with_depth
from jetstream_argo.errors import ConfigError, Problem, UnknownReference


class ProblemCollector:
    """Gathers errors and warnings, so that all of them can be reported at once."""

    def __init__(self, warnings: Iterable[FileProblem] = ()) -> None:
        self.errors: list[ConfigError] = []
        self.warnings: list[FileProblem] = list(warnings)

    def error(self, file: str, where: str, what: str) -> None:
        """Note that what stands at `where` in `file` cannot be used."""
        self.errors.append(ConfigError(file, [Problem(where, what)]))

    def refused(self, error: ConfigError) -> None:
        """Note what is wrong with a part of a file; the same again, as in another period, is the same."""
        if str(error) not in map(str, self.errors):
            self.errors.append(error)

    def unknown(self, kind: str, name: str, *, known: Iterable[str], file: str, where: str = "") -> None:
        """Note that `file` uses a name which nothing defines."""
        used_by = f"{file}, {where}" if where else file
        self.errors.append(UnknownReference(kind, name, known=known, used_by=used_by))

    def warn(self, file: str, where: str, what: str) -> None:
        """Note something that is probably not meant, and that does not keep the file from being used."""
        self.warnings.append(FileProblem(file, Problem(where, what)))

    def filled(self, file: str, where: str, fill: Callable[[], str]) -> str | None:
        """Return the SQL that `fill` returns, or None and an error if the template at `where` cannot be filled.

        SQL that is too deep for parsers is an error too.
        """
        try:
            text = fill()
        except TemplateError as error:
            self.error(file, where, str(error))
            return None
        wrong = wrong_with_depth(text)
        if wrong is not None:
            self.error(file, where, wrong)
        return text if wrong is None else None

    def failure(self, slug: str) -> ConfigError:
        """Return what is wrong: the error itself where it is the only one, else an error that holds them all."""
        if len(self.errors) == 1:
            return self.errors[0]
        problems = [
            Problem(f"{error.file}: {problem.where}" if problem.where else error.file, problem.what)
            for error in self.errors
            for problem in error.problems
        ]
        return ConfigError(slug, list(dict.fromkeys(problems)))
