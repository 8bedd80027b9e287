// Instruction sets for Python: those available, and the one in use.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <vector>

#include "bindings.hpp"
#include "isa/isa.hpp"

namespace nb = nanobind;

namespace fieldfare {

void bind_isa(nb::module_& module) {
  module.def("instruction_sets", [] {
    std::vector<std::string> names;
    for (const Isa* one : all_isas()) names.emplace_back(one->name);
    return names;
  });
  module.def("instruction_set", [] { return std::string(isa().name); });
  module.def("use_instruction_set", [](const std::string& name) {
    require(use_isa(name), "no such instruction set, or this processor lacks it");
  });
}

}  // namespace fieldfare
