// Scoring for Python, and scores as text: a Scorer holds the parameters of a model, checked once;
// each call checks its rows, and the kernels their ids.
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "bindings.hpp"
#include "fieldfare/kernels.hpp"
#include "fieldfare/numbers.hpp"

namespace nb = nanobind;

namespace fieldfare {

namespace {

using Strided1 = nb::ndarray<const float, nb::ndim<1>, nb::device::cpu>;
using Strided2 = nb::ndarray<const float, nb::ndim<2>, nb::device::cpu>;
using Strided4 = nb::ndarray<const float, nb::ndim<4>, nb::device::cpu>;

View view_from(const Spec& spec, const Strided1& bias, const std::optional<Strided2>& weights,
               const std::optional<Strided4>& factors, std::int64_t n_features) {
  View view;
  view.n_features = n_features;
  require(static_cast<std::int64_t>(bias.shape(0)) == spec.n_outputs, "bias has a wrong shape");
  view.bias = bias.data();
  view.bias_output = bias.stride(0);
  if (weights) {
    require(static_cast<std::int64_t>(weights->shape(0)) == n_features &&
                static_cast<std::int64_t>(weights->shape(1)) == spec.n_outputs,
            "linear weights have a wrong shape");
    view.weights = weights->data();
    view.weight_row = weights->stride(0);
    view.weight_output = weights->stride(1);
  }
  if (spec.kind != Kind::linear) {
    require(factors.has_value(), "this model needs factors");
    const std::int64_t blocks = spec.kind == Kind::ffm ? spec.n_fields : 1;
    require(static_cast<std::int64_t>(factors->shape(0)) == n_features &&
                static_cast<std::int64_t>(factors->shape(1)) == spec.n_outputs &&
                static_cast<std::int64_t>(factors->shape(2)) == blocks &&
                static_cast<std::int64_t>(factors->shape(3)) == spec.n_factors &&
                (factors->stride(3) == 1 || spec.n_factors == 1) &&
                (blocks == 1 || (factors->stride(2) >= spec.n_factors &&
                                 factors->stride(2) <= 4 * (spec.n_factors + 8))),
            "factors have a wrong shape, or the vectors of a feature lie far apart");
    view.factors = factors->data();
    view.factor_row = factors->stride(0);
    view.factor_output = factors->stride(1);
    view.factor_block = blocks == 1 ? spec.n_factors : factors->stride(2);
    view.k = spec.n_factors;
  }
  return view;
}

struct Scorer {
  Spec spec;
  View view;
};

void check_rows(const Spec& spec, const Rows& rows) {
  check_spec(spec, rows);
  bool sound = rows.indptr[0] >= 0 && rows.indptr[rows.n_rows] <= rows.n_entries;
  for (std::int64_t row = 0; row < rows.n_rows; ++row) {
    sound &= rows.indptr[row] <= rows.indptr[row + 1];
  }
  require(sound, "indptr decreases or points outside the indices");
}

using Matrix = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

void score_rows(const Scorer& self, const Rows& rows, const Rows* context, Matrix out,
                std::int64_t n_threads) {
  check_rows(self.spec, rows);
  require(static_cast<std::int64_t>(out.shape(0)) == rows.n_rows &&
              static_cast<std::int64_t>(out.shape(1)) == self.spec.n_outputs,
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
  require(fields || self.spec.kind != Kind::ffm, "a field-aware model needs rows with fields");
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

nb::bytes numbers_as_text(
    const nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>& values,
    const std::string& separator) {
  require(separator.size() == 1, "a separator is one byte");
  std::string text;
  {
    const nb::gil_scoped_release released;
    text = format_numbers(values.data(), static_cast<std::int64_t>(values.shape(0)),
                          static_cast<std::int64_t>(values.shape(1)), separator[0]);
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
             std::int64_t n_features) {
            new (self) Scorer{spec, view_from(spec, bias, weights, factors, n_features)};
          },
          // The arrays must outlive this; nothing is converted, since a copy would not.
          nb::keep_alive<1, 3>(), nb::keep_alive<1, 4>(), nb::keep_alive<1, 5>(), nb::arg("spec"),
          nb::arg("bias").noconvert(), nb::arg("weights").noconvert().none(),
          nb::arg("factors").noconvert().none(), nb::arg("n_features"))
      .def("score", &score_rows, nb::arg("rows"), nb::arg("context").none(),
           nb::arg("out").noconvert(), nb::arg("n_threads"))
      .def("score_one", &score_one, nb::arg("ids"), nb::arg("values"), nb::arg("fields").none());
  module.def("format_numbers", &numbers_as_text, nb::arg("values").noconvert(),
             nb::arg("separator"));
}

}  // namespace fieldfare
