// The compiled core, one Python module. Each part of it registers its own functions.
#include <algorithm>

#include "bindings.hpp"

namespace nb = nanobind;

namespace fieldfare {

void require(bool condition, const char* message) {
  if (!condition) throw nb::value_error(message);
}

void check_indptr(const std::int64_t* indptr, std::int64_t n_rows, std::int64_t n_entries) {
  require(n_rows >= 0 && indptr[0] >= 0 && indptr[n_rows] <= n_entries &&
              std::is_sorted(indptr, indptr + n_rows + 1),
          "indptr decreases or points outside the indices");
}

void check_spec(const Spec& spec, const Rows& rows) {
  const KindTraits& kind = traits_of(spec.kind);
  require(spec.n_outputs >= 1, "n_outputs must be positive");
  require(!kind.has_factors || spec.n_factors >= 1, "n_factors must be positive");
  require(static_cast<double>(spec.n_outputs) * static_cast<double>(spec.n_factors + 1) *
                  static_cast<double>(spec.n_fields + 1) <
              0x1p40,
          "a feature of this model would not fit into memory");
  if (kind.uses_fields) {
    require(spec.n_fields >= 1, "a model with fields needs at least one field");
    require(spec.n_fields <= 0x10000, "there are at most 65,536 fields");
    require(rows.fields != nullptr, "a model with fields needs rows with fields");
  }
}

bool go_on() {
  const nb::gil_scoped_acquire held;
  return PyErr_CheckSignals() == 0;
}

}  // namespace fieldfare

NB_MODULE(_core, module) {
  fieldfare::bind_adaptive(module);
  fieldfare::bind_coordinate(module);
  fieldfare::bind_initial(module);
  fieldfare::bind_isa(module);
  fieldfare::bind_mapped(module);
  fieldfare::bind_recall(module);
  fieldfare::bind_scoring(module);
  fieldfare::bind_sides(module);
  fieldfare::bind_text(module);
  fieldfare::bind_topk(module);
  fieldfare::bind_training(module);
  fieldfare::bind_words(module);
}
