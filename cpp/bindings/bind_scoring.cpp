// Scoring for Python, and scores as text: a Scorer holds the parameters of a model, checked once;
// each call checks its rows, and the kernels their ids.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "bindings.hpp"
#include "models/layout.hpp"
#include "scoring/job.hpp"
#include "text/numbers.hpp"

namespace nb = nanobind;

namespace fieldfare {

namespace {

using Strided1 = nb::ndarray<const float, nb::ndim<1>, nb::device::cpu>;
using Strided2 = nb::ndarray<const float, nb::ndim<2>, nb::device::cpu>;
using Strided3 = nb::ndarray<const float, nb::ndim<3>, nb::device::cpu>;
using Strided4 = nb::ndarray<const float, nb::ndim<4>, nb::device::cpu>;

void view_factors(View& view, const Spec& spec, const Strided4& factors) {
  const KindTraits& kind = traits_of(spec.kind);
  const std::int64_t vectors = kind.has_vector_per_field ? spec.n_fields : 1;
  const std::int64_t vector_length = length(factors, 3);
  const bool padded = kind.has_orders && vector_length == layout_of(spec).padded_factors;
  require(length(factors) == view.n_features && length(factors, 1) == spec.n_outputs &&
              length(factors, 2) == vectors && (vector_length == spec.n_factors || padded) &&
              (factors.stride(3) == 1 || spec.n_factors == 1) &&
              (vectors == 1 || (factors.stride(2) >= spec.n_factors &&
                                factors.stride(2) <= 4 * (spec.n_factors + 8))),
          "factors have a wrong shape, or the vectors of a feature lie far apart");
  view.factors = factors.data();
  view.factor_row = factors.stride(0);
  view.factor_output = factors.stride(1);
  view.factor_block = vectors == 1 ? spec.n_factors : factors.stride(2);
  view.k = spec.n_factors;
  view.padded_blocks = padded;
}

void view_pair_weights(View& view, const Spec& spec, const Strided3& pair_weights) {
  require(length(pair_weights) == spec.n_outputs && length(pair_weights, 1) == spec.n_fields &&
              length(pair_weights, 2) == spec.n_fields,
          "this model needs a weight for each pair of fields");
  view.pair_weights = pair_weights.data();
  view.pair_output = pair_weights.stride(0);
  view.pair_row = pair_weights.stride(1);
  view.pair_step = pair_weights.stride(2);
}

View view_from(const Spec& spec, const Strided1& bias, const std::optional<Strided2>& weights,
               const std::optional<Strided4>& factors, const std::optional<Strided3>& pair_weights,
               std::int64_t n_features) {
  View view;
  view.n_features = n_features;
  require(length(bias) == spec.n_outputs, "bias has a wrong shape");
  view.bias = bias.data();
  view.bias_output = bias.stride(0);
  if (weights) {
    require(length(*weights) == n_features && length(*weights, 1) == spec.n_outputs,
            "linear weights have a wrong shape");
    view.weights = weights->data();
    view.weight_row = weights->stride(0);
    view.weight_output = weights->stride(1);
  }
  if (traits_of(spec.kind).has_factors) {
    require(factors.has_value(), "this model needs factors");
    view_factors(view, spec, *factors);
  }
  if (traits_of(spec.kind).has_pair_weights) {
    require(pair_weights.has_value(), "this model needs weights of pairs");
    view_pair_weights(view, spec, *pair_weights);
  }
  return view;
}

struct Scorer {
  Spec spec;
  View view;
};

void check_rows(const Spec& spec, const Rows& rows) {
  check_spec(spec, rows);
  check_indptr(rows.indptr, rows.n_rows, rows.n_entries);
}

void score_rows(const Scorer& self, const Rows& rows, const Rows* context,
                const Array<float, 2>& out, std::int64_t n_threads) {
  check_rows(self.spec, rows);
  require(length(out) == rows.n_rows && length(out, 1) == self.spec.n_outputs,
          "out has a wrong shape");
  if (context != nullptr) {
    check_rows(self.spec, *context);
    require(context->n_rows == 1, "a context is one row");
  }
  ScoreJob job;
  job.rows = &rows;
  job.end = rows.n_rows;
  job.context = context;
  job.spec = &self.spec;
  job.view = self.view;
  job.out = out.data();
  const nb::gil_scoped_release released;
  score(job, n_threads);
}

// One sample as lists, for which arrays would cost more than the score.
std::vector<float> score_one(const Scorer& self, const std::vector<std::uint32_t>& ids,
                             const std::vector<double>& values,
                             const std::optional<std::vector<std::uint16_t>>& fields) {
  const auto n = static_cast<std::int64_t>(ids.size());
  require(values.size() == ids.size() && (!fields || fields->size() == ids.size()),
          "ids, values and fields differ in length");
  const std::array<std::int64_t, 2> indptr{0, n};
  const std::vector<float> rounded(values.begin(), values.end());
  Rows rows;
  rows.n_rows = 1;
  rows.n_entries = n;
  rows.indptr = indptr.data();
  rows.indices = ids.data();
  rows.values = rounded.data();
  rows.fields = fields ? fields->data() : nullptr;
  require(fields || !traits_of(self.spec.kind).uses_fields,
          "a model with fields needs rows with fields");
  std::vector<float> out(static_cast<std::size_t>(self.spec.n_outputs));
  ScoreJob job;
  job.rows = &rows;
  job.end = 1;
  job.spec = &self.spec;
  job.view = self.view;
  job.out = out.data();
  score(job, 1);
  return out;
}

nb::bytes numbers_as_text(const Array<const float, 2>& values, const std::string& separator) {
  require(separator.size() == 1, "a separator is one byte");
  std::string text;
  {
    const nb::gil_scoped_release released;
    text = format_numbers(values.data(), length(values), length(values, 1), separator[0]);
  }
  return nb::bytes(text.data(), text.size());
}

}  // namespace

void bind_scoring(nb::module_& module) {
  nb::class_<Scorer>(module, "Scorer")
      .def(
          "__init__",
          [](Scorer* self, const Spec& spec, const Strided1& bias,
             const std::optional<Strided2>& weights, const std::optional<Strided4>& factors,
             const std::optional<Strided3>& pair_weights, std::int64_t n_features) {
            new (self)
                Scorer{spec, view_from(spec, bias, weights, factors, pair_weights, n_features)};
          },
          // The arrays must outlive this; nothing is converted, since a copy would not.
          nb::keep_alive<1, 3>(), nb::keep_alive<1, 4>(), nb::keep_alive<1, 5>(),
          nb::keep_alive<1, 6>(), nb::arg("spec"), nb::arg("bias").noconvert(),
          nb::arg("weights").noconvert().none(), nb::arg("factors").noconvert().none(),
          nb::arg("pair_weights").noconvert().none(), nb::arg("n_features"))
      .def("score", &score_rows, nb::arg("rows"), nb::arg("context").none(),
           nb::arg("out").noconvert(), nb::arg("n_threads"))
      .def("score_one", &score_one, nb::arg("ids"), nb::arg("values"), nb::arg("fields").none());
  module.def("format_numbers", &numbers_as_text, nb::arg("values").noconvert(),
             nb::arg("separator"));
}

}  // namespace fieldfare
