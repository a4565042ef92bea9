"""The table of functions: the rows of every file in cases/."""
import importlib
import pathlib

from specs import Case


def table() -> dict[str, Case]:
    rows: dict[str, Case] = {}
    folder = pathlib.Path(__file__).parent / "cases"
    for file in sorted(folder.glob("*.py")):
        if file.stem == "__init__":
            continue
        for case in importlib.import_module(f"cases.{file.stem}").TABLE.cases:
            if case.name in rows:
                raise ValueError(f"{file.name}: the name {case.name} is taken")
            rows[case.name] = case
    return rows


if __name__ == "__main__":
    names = table()
    print("\n".join(names))
    print(len(names))
