"""No module imports itself through other modules. The store allows cycles between folders, not between modules."""

import graphlib

import grimp
import pytest

PACKAGES = ("gonemaster_engine", "gonemaster_db", "gonemaster_tasks", "gonemaster_api", "gonemaster_client")


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_import_one_another_without_cycles(package: str) -> None:
    graph = grimp.build_graph(package, cache_dir=None)
    for module in graph.modules - {package}:
        if module.startswith("gonemaster_api.demo.dnsworld"):  # a link to the name servers of the tests
            graph.remove_module(module)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(tuple(graphlib.TopologicalSorter(imports).static_order())) == len(graph.modules)
