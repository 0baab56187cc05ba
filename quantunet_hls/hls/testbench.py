"""The project's test bench: exact numbers, layer traces, and a verdict.

hls4ml's own bench prints six digits, which can't tell neighbours of a wide type
apart, and ends well whatever comes out. This one takes its place under the same
name and reads and writes the same files, so Vitis HLS runs it for C-simulation
and co-simulation too, and fails there if one value differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quantunet_hls.core.files import write_text, writing

__all__ = ["EXPECTED", "INPUTS", "RESULTS", "Bench", "read_values", "write_bench", "write_values"]

#: Files of the bench, relative to the project; the names are hls4ml's.
INPUTS = "tb_data/tb_input_features.dat"
EXPECTED = "tb_data/tb_output_predictions.dat"
RESULTS = "tb_data/csim_results.log"

_TEMPLATE = """\
// Test bench of {name}: reads images, runs the top function on each, writes what comes out,
// and returns 1 if a value differs from the expected one.
//
//   {name} [--trace FOLDER]
//
// With --trace every layer's values are appended, as 64-bit floats, to FOLDER/<layer>.f64.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "firmware/{name}.h"
#include "firmware/nnet_utils/nnet_helpers.h"

namespace nnet {{
bool trace_enabled = false;
std::map<std::string, void *> *trace_outputs = NULL;
size_t trace_type_size = sizeof(double);
}} // namespace nnet

static const unsigned long INPUT_VALUES = {inputs};
static const unsigned long OUTPUT_VALUES = {outputs};
static const std::pair<const char *, unsigned long> LAYERS[] = {{
{layers}
}};

#ifdef RTL_SIM
static const char *const RESULTS = "tb_data/rtl_cosim_results.log";
#else
static const char *const RESULTS = "{results}";
#endif

static bool read_line(std::istream &in, std::vector<double> &values) {{
    std::string line;
    if (!std::getline(in, line))
        return false;
    values.clear();
    std::istringstream fields(line);
    for (double value; fields >> value;)
        values.push_back(value);
    return !values.empty();
}}

int main(int argc, char **argv) {{
    const std::string trace_folder = argc == 3 && std::string(argv[1]) == "--trace" ? argv[2] : "";
    std::vector<std::vector<double>> traces;
    std::map<std::string, void *> trace_map;
    if (!trace_folder.empty()) {{
        for (const auto &layer : LAYERS)
            traces.emplace_back(layer.second);
        for (size_t i = 0; i < traces.size(); i++)
            trace_map[LAYERS[i].first] = traces[i].data();
        nnet::trace_outputs = &trace_map;
        nnet::trace_enabled = true;
    }}

    std::ifstream images("{images}");
    std::ifstream expectations("{expected}");
    std::ofstream results(RESULTS);
    if (!images || !results) {{
        std::cerr << "ERROR: {images} can't be read or " << RESULTS << " can't be written" << std::endl;
        return 2;
    }}
    // Enough digits that every number comes back as it was.
    results.precision(std::numeric_limits<double>::max_digits10);

    unsigned long image_count = 0, compared = 0, differing = 0;
    std::vector<double> image, expected;
    while (read_line(images, image)) {{
        if (image.size() != INPUT_VALUES) {{
            std::cerr << "ERROR: image " << image_count << " has " << image.size() << " values" << std::endl;
            return 2;
        }}
        hls::stream<input_t> source("source");
        nnet::copy_data<double, input_t, 0, {inputs}>(image, source);
        hls::stream<result_t> sink("sink");
        {name}(source, sink);

        const bool check = static_cast<bool>(expectations) && read_line(expectations, expected);
        if (check && expected.size() != OUTPUT_VALUES) {{
            std::cerr << "ERROR: the expectation of image " << image_count << " has " << expected.size() << " values"
                      << std::endl;
            return 2;
        }}
        for (unsigned long i = 0; i < OUTPUT_VALUES;) {{
            result_t pixel = sink.read();
            for (unsigned j = 0; j < result_t::size; j++, i++) {{
                const double value = static_cast<double>(pixel[j]);
                results << value << " ";
                if (check) {{
                    compared++;
                    differing += value != expected[i];
                }}
            }}
        }}
        results << std::endl;
        for (size_t i = 0; i < traces.size(); i++) {{
            std::ofstream out(trace_folder + "/" + LAYERS[i].first + ".f64", std::ios::binary | std::ios::app);
            out.write(reinterpret_cast<const char *>(traces[i].data()), traces[i].size() * sizeof(double));
            if (!out) {{
                std::cerr << "ERROR: the trace of " << LAYERS[i].first << " can't be written" << std::endl;
                return 2;
            }}
        }}
        image_count++;
    }}
    results.close();
    if (!results) {{
        std::cerr << "ERROR: " << RESULTS << " can't be written" << std::endl;
        return 2;
    }}
    std::cout << "INFO: " << image_count << " images, " << compared << " values compared, " << differing << " differ"
              << std::endl;
    return differing ? 1 : 0;
}}
"""


@dataclass(frozen=True)
class Bench:
    """What the bench of one project needs to know.

    Attributes:
        name: of the project and its top function.
        inputs: values of one image.
        outputs: values of one result.
        layers: hls4ml's name of each traced layer and how many values it has.
    """

    name: str
    inputs: int
    outputs: int
    layers: Mapping[str, int]

    def source(self) -> str:
        """The C++ text (C++11, as hls4ml's own Tcl compiles it)."""
        layers = ",\n".join(f'    {{"{name}", {size}}}' for name, size in self.layers.items())
        return _TEMPLATE.format(name=self.name, inputs=self.inputs, outputs=self.outputs, layers=layers,
                                images=INPUTS, expected=EXPECTED, results=RESULTS)


def write_bench(bench: Bench, project: Path) -> None:
    """Put the bench in the place of hls4ml's."""
    write_text(project / f"{bench.name}_test.cpp", bench.source())


def write_values(path: Path, values: np.ndarray) -> None:
    """One line for each entry of the first axis; every number so that it reads back the same."""
    rows = np.asarray(values, dtype=np.float64).reshape(len(values), -1)
    with writing(path) as temporary, temporary.open("w") as stream:
        for row in rows:
            stream.write(" ".join(map(repr, row.tolist())) + "\n")


def read_values(path: Path) -> np.ndarray:
    """Inverse of :func:`write_values`: float64 (lines, values)."""
    with path.open() as stream:
        return np.array([np.array(line.split(), dtype=np.float64) for line in stream])
