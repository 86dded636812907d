"""`python -m benchmarks` measures everything; `python -m benchmarks decoding moe_layer` some of it."""

import importlib
import sys

NAMES = ("pretraining", "moe_layer", "decoding", "grpo_step", "footprint")


def main(arguments: list[str]) -> int:
    """Measure what is named, or all; print a line a figure."""
    unknown = [name for name in arguments if name not in NAMES]
    if unknown:
        print(f"There is no benchmark {unknown[0]!r}. There are: {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    for name in arguments or NAMES:
        module = importlib.import_module(f"benchmarks.{name}")
        print(f"{name}: {module.__doc__.splitlines()[0]}")
        for line in module.measure():
            print(f"  {line}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
