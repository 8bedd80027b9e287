// Watching mapped files, for Python.
#include <cstddef>
#include <cstdint>

#include "bindings.hpp"
#include "common/mapped.hpp"

namespace nb = nanobind;

namespace fieldfare {

namespace {

int watch(const Array<const std::uint8_t, 1>& mapped) {
  return watch_mapping(mapped.data(), mapped.size());
}

}  // namespace

void bind_mapped(nb::module_& module) {
  module.def("watch_mapping", &watch, nb::arg("mapped"));
  module.def("is_torn", &is_torn, nb::arg("watch"));
  module.def("unwatch_mapping", &unwatch_mapping, nb::arg("watch"));
}

}  // namespace fieldfare
