// Initial values of tables, for Python.
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <tuple>
#include <vector>

#include "bindings.hpp"
#include "gradient/initial.hpp"

namespace nb = nanobind;

namespace fieldfare {

namespace {

using RunNumbers = std::tuple<std::int64_t, std::int64_t, std::int64_t, float, float>;

void start_rows_of(const Array<float, 2>& rows, std::int64_t first,
                   const std::vector<RunNumbers>& given, std::uint64_t seed,
                   std::int64_t n_threads) {
  const auto stride = length(rows, 1);
  std::vector<Stretch> runs;
  runs.reserve(given.size());
  for (const auto& [offset, count, place, scale, value] : given) {
    require(offset >= 0 && count >= 0 && place >= 0 && offset <= stride && count <= stride - offset,
            "a run does not lie in the row");
    runs.push_back({offset, count, place, scale, value});
  }
  const auto last = first + length(rows);
  nb::gil_scoped_release released;
  start_rows(rows.data(), stride, first, last, runs, seed, n_threads);
}

}  // namespace

void bind_initial(nb::module_& module) {
  module.def("start_rows", &start_rows_of, nb::arg("rows").noconvert(), nb::arg("first"),
             nb::arg("runs"), nb::arg("seed"), nb::arg("n_threads"));
}

}  // namespace fieldfare
