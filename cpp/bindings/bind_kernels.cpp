// Training for Python: checks shapes and turns arrays into pointers. Ids are checked by the kernels
// themselves, one sample ahead of their use.
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "bindings.hpp"
#include "fieldfare/kernels.hpp"
#include "fieldfare/random.hpp"

namespace nb = nanobind;

namespace fieldfare {

void require(bool condition, const char* message) {
  if (!condition) throw nb::value_error(message);
}

void check_spec(const Spec& spec, const Rows& rows) {
  require(spec.n_outputs >= 1, "n_outputs must be positive");
  require(spec.kind == Kind::linear || spec.n_factors >= 1, "n_factors must be positive");
  require(static_cast<double>(spec.n_outputs) * static_cast<double>(spec.n_factors + 1) *
                  static_cast<double>(spec.n_fields + 1) <
              0x1p40,
          "a feature of this model would not fit into memory");
  if (uses_fields(spec.kind)) {
    require(spec.n_fields >= 1, "a model with fields needs at least one field");
    require(spec.n_fields <= 0x10000, "there are at most 65,536 fields");
    require(rows.fields != nullptr, "a model with fields needs rows with fields");
  }
}

namespace {

template <class T>
using Vector = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using Maybe = std::optional<Vector<T>>;
using Pairs = nb::ndarray<const std::int64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Matrix = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

template <class T>
const T* optional_data(const Maybe<T>& array, std::int64_t n, const char* message) {
  if (!array) return nullptr;
  require(static_cast<std::int64_t>(array->shape(0)) == n, message);
  return array->data();
}

Rows rows_from(const Vector<std::int64_t>& indptr, const Vector<std::uint32_t>& indices,
               const Maybe<float>& values, const Maybe<std::uint16_t>& fields,
               const Maybe<float>& target, const Maybe<float>& weight) {
  require(indptr.shape(0) >= 1, "indptr must not be empty");
  Rows rows;
  rows.n_rows = static_cast<std::int64_t>(indptr.shape(0)) - 1;
  rows.n_entries = static_cast<std::int64_t>(indices.shape(0));
  rows.indptr = indptr.data();
  rows.indices = indices.data();
  rows.values = optional_data(values, rows.n_entries, "values and indices differ in length");
  rows.fields = optional_data(fields, rows.n_entries, "fields and indices differ in length");
  rows.target = optional_data(target, rows.n_rows, "there must be one target a row");
  rows.weight = optional_data(weight, rows.n_rows, "there must be one weight a row");
  return rows;
}

Layout checked_layout(const Spec& spec, const Rows& rows, const Matrix& table,
                      const Matrix& shared) {
  check_spec(spec, rows);
  const Layout layout = layout_of(spec);
  require(static_cast<std::int64_t>(table.shape(1)) == layout.stride, "table has a wrong stride");
  require(static_cast<std::int64_t>(shared.shape(0)) == spec.n_outputs &&
              static_cast<std::int64_t>(shared.shape(1)) == layout.shared,
          "shared parameters have a wrong shape");
  return layout;
}

using Trained = std::tuple<double, double, std::optional<std::int64_t>>;

Trained train_released(const TrainJob& job, std::int64_t n_threads) {
  Outcome outcome;
  {
    nb::gil_scoped_release released;
    outcome = train(job, n_threads);
  }
  return {outcome.loss, outcome.weight, outcome.bad_row};
}

Trained train_rows(const Spec& spec, Matrix table, Matrix shared, const Rows& rows,
                   const Vector<std::int64_t>& order, const Maybe<float>& class_weight,
                   std::int64_t n_threads) {
  const Layout layout = checked_layout(spec, rows, table, shared);
  require(rows.target != nullptr, "training needs rows with a target");
  require(rows_a_step(spec) == 1, "this loss is one of pairs");
  TrainJob job;
  job.rows = &rows;
  job.order = order.data();
  job.end = static_cast<std::int64_t>(order.shape(0));
  job.spec = &spec;
  job.layout = &layout;
  job.table = table.data();
  job.n_features = static_cast<std::int64_t>(table.shape(0));
  job.shared = shared.data();
  if (class_weight) {
    job.class_weight = class_weight->data();
    job.n_classes = static_cast<std::int64_t>(class_weight->shape(0));
  }
  return train_released(job, n_threads);
}

Trained train_pairs(const Spec& spec, Matrix table, Matrix shared, const Rows& rows,
                    const Pairs& pairs, std::int64_t n_threads) {
  const Layout layout = checked_layout(spec, rows, table, shared);
  require(spec.n_outputs == 1, "pairs are for models with one output");
  require(rows_a_step(spec) == 2, "this loss is not one of pairs");
  require(pairs.shape(1) == 2, "pairs must have two columns");
  TrainJob job;
  job.rows = &rows;
  job.order = pairs.data();
  job.end = static_cast<std::int64_t>(pairs.shape(0));
  job.spec = &spec;
  job.layout = &layout;
  job.table = table.data();
  job.shared = shared.data();
  job.n_features = static_cast<std::int64_t>(table.shape(0));
  return train_released(job, n_threads);
}

using Numbers = std::tuple<float, float, float, float>;

Rates rates_from(const Numbers& values) {
  return {std::get<0>(values), std::get<1>(values), std::get<2>(values), std::get<3>(values)};
}

std::vector<Part> parts_from(
    const std::vector<std::tuple<std::int64_t, std::int64_t, std::int64_t>>& given,
    std::int64_t n_factors) {
  std::vector<Part> parts;
  std::int64_t offset = 0, padded_offset = 0, highest = 1;
  for (const auto& [lowest, up_to, n] : given) {
    require(highest < lowest && lowest <= up_to && up_to <= max_order && n >= 1 && n <= n_factors,
            "parts of factors must have rising orders and at least one factor");
    parts.push_back({lowest, up_to, n, padded_factors(n), offset, padded_offset, {}});
    offset += n;
    padded_offset += padded_factors(n);
    highest = up_to;
  }
  require(!parts.empty() && offset == n_factors, "the parts must add up to the factors");
  return parts;
}

void make_spec(Spec* self, int kind, int loss, int rule, std::int64_t n_outputs,
               std::int64_t n_factors, std::int64_t n_fields, bool intercept, bool linear,
               bool instance_norm,
               const std::vector<std::tuple<std::int64_t, std::int64_t, std::int64_t>>& parts) {
  require(kind >= 0 && kind <= 4 && loss >= 0 && loss <= 4 && rule >= 0 && rule <= 3,
          "unknown kind, loss or rule");
  new (self) Spec{};
  self->kind = static_cast<Kind>(kind);
  self->loss = static_cast<Loss>(loss);
  self->rule = static_cast<Rule>(rule);
  self->n_outputs = n_outputs;
  self->n_factors = self->kind == Kind::linear ? 0 : n_factors;
  self->n_fields = uses_fields(self->kind) ? n_fields : 0;
  self->intercept = intercept;
  self->linear = linear;
  self->instance_norm = instance_norm;
  if (self->kind == Kind::hofm) self->parts = parts_from(parts, n_factors);
}

}  // namespace

void bind_kernels(nb::module_& module) {
  nb::class_<Rows>(module, "Rows")
      .def(
          "__init__",
          [](Rows* self, const Vector<std::int64_t>& indptr, const Vector<std::uint32_t>& indices,
             const Maybe<float>& values, const Maybe<std::uint16_t>& fields,
             const Maybe<float>& target, const Maybe<float>& weight) {
            new (self) Rows(rows_from(indptr, indices, values, fields, target, weight));
          },
          // Nothing is converted: a converted copy would be gone after this call.
          nb::keep_alive<1, 2>(), nb::keep_alive<1, 3>(), nb::keep_alive<1, 4>(),
          nb::keep_alive<1, 5>(), nb::keep_alive<1, 6>(), nb::keep_alive<1, 7>(),
          nb::arg("indptr").noconvert(), nb::arg("indices").noconvert(),
          nb::arg("values").noconvert().none(), nb::arg("fields").noconvert().none(),
          nb::arg("target").noconvert().none(), nb::arg("weight").noconvert().none());
  nb::class_<Layout>(module, "Layout")
      .def_ro("stride", &Layout::stride)
      .def_ro("used", &Layout::used)
      .def_ro("output_stride", &Layout::output_stride)
      .def_ro("padded_factors", &Layout::padded_factors)
      .def_ro("blocks", &Layout::blocks)
      .def_ro("factor_state", &Layout::factor_state)
      .def_ro("weight", &Layout::weight)
      .def_ro("slots", &Layout::slots);
  module.def("padded_factors", &padded_factors);
  nb::class_<Spec>(module, "Spec")
      .def("__init__", &make_spec)
      .def("set_rates",
           [](Spec& self, const Numbers& bias, const Numbers& weights,
              const std::vector<Numbers>& factors, const Numbers& pairs) {
             require(factors.size() == std::max<std::size_t>(1, self.parts.size()),
                     "there must be one set of rates for each part of the factors");
             self.bias = rates_from(bias);
             self.weights = rates_from(weights);
             self.factors = rates_from(factors[0]);
             self.pairs = rates_from(pairs);
             for (std::size_t p = 0; p < self.parts.size(); ++p) {
               self.parts[p].rates = rates_from(factors[p]);
             }
           })
      .def("layout", &layout_of);
  // Nor here: results written into a converted copy would be lost.
  module.def("train", &train_rows, nb::arg("spec"), nb::arg("table").noconvert(),
             nb::arg("shared").noconvert(), nb::arg("rows"), nb::arg("order").noconvert(),
             nb::arg("class_weight").noconvert().none(), nb::arg("n_threads"));
  module.def("train_pairs", &train_pairs, nb::arg("spec"), nb::arg("table").noconvert(),
             nb::arg("shared").noconvert(), nb::arg("rows"), nb::arg("pairs").noconvert(),
             nb::arg("n_threads"));
  module.def(
      "shuffle",
      [](nb::ndarray<std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu> order,
         std::uint64_t seed) {
        require(order.shape(0) < std::uint64_t{1} << 32U, "too many numbers to shuffle");
        const nb::gil_scoped_release released;
        shuffle(order.data(), static_cast<std::int64_t>(order.shape(0)), Draws{mix(seed)});
      },
      nb::arg("order").noconvert(), nb::arg("seed"));
  module.def("instruction_sets", [] {
    int count = 0;
    const Kernels* kernels = all_kernels(&count);
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) names.emplace_back(kernels[i].name);
    return names;
  });
  module.def("instruction_set", [] { return std::string(kernels_in_use().name); });
  module.def("use_instruction_set", [](const std::string& name) {
    require(use_kernels(name.c_str()), "no such instruction set, or this processor lacks it");
  });
}

}  // namespace fieldfare
