"""Packaging of goalpath: Beam workers and container images install from here."""

import ast
from pathlib import Path

from setuptools import find_namespace_packages, setup

ROOT = Path(__file__).parent
PACKAGES = ("components", "datasets", "pipeline", "schemas", "serving", "trainer")


def read_version() -> str:
    """The value of `__version__` in schemas/version.py, without importing it."""
    tree = ast.parse((ROOT / "schemas" / "version.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__":
            return str(ast.literal_eval(node.value))
    raise RuntimeError("schemas/version.py must assign __version__.")


setup(
    name="goalpath",
    version=read_version(),
    description="A TFX pipeline that predicts how students move through a funnel",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10,<3.14",
    packages=find_namespace_packages(
        include=[pattern for name in PACKAGES for pattern in (name, name + ".*")]
    ),
    package_data={"": ["*.html", "*.json", "*.pbtxt", "*.yaml", "py.typed"]},
    install_requires=[
        "aiohttp>=3.9,<4",
        "apache-beam>=2.47,<3",
        "click>=8,<9",
        "dill",  # Beam 2.6x stopped bringing it, TFX 1.16 still imports it
        "fastapi>=0.115,<1",
        "google-crc32c>=1.1",
        "grpcio>=1.48,<2",
        "keras>=3.3,<4",
        "ml-dtypes>=0.3",
        "ml-metadata>=1.16,<2",
        "numpy>=1.22,<3",
        "polars>=1.0,<3",
        "protobuf>=3.20.3,<7",
        "prometheus-client>=0.19,<1",
        "pyarrow>=10",
        "pydantic>=2.6,<3",
        "pydantic-settings>=2.2,<3",
        "PyYAML>=6,<7",
        "rich>=13",
        "scikit-learn>=1.1,<2",
        "scipy>=1.9",
        "tensorflow>=2.16,<2.22",
        "tensorflow-data-validation>=1.16,<2",
        "tensorflow-metadata>=1.16,<2",
        "tensorflow-model-analysis>=0.47,<0.53",
        "tensorflow-serving-api>=2.16,<2.22",
        "tensorflow-transform>=1.16,<2",
        "tfx>=1.16,<1.22",
        "tfx-bsl>=1.16,<2",
        "urllib3>=1.26,<3",
        "uvicorn>=0.29,<1",
    ],
    extras_require={
        "kubeflow": ["kfp>=2.5,<3"],
        "postgres": ["psycopg[binary]>=3.1,<4"],
        "test": [
            "hypothesis",
            "kubernetes-validate>=1.31",
            "pytest>=8",
            "pytest-timeout",
            "pytest-xdist",
            "schemathesis>=4,<5",
        ],
        "lint": ["mypy>=1.8", "ruff>=0.5", "types-PyYAML"],
    },
    entry_points={"console_scripts": ["goalpath = pipeline.cli:main"]},
    classifiers=[
        "License :: OSI Approved :: Apache Software License",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
