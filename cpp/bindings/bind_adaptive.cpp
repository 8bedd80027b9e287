// SGD with adaptive regularisation for Python.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/variant.h>

#include <tuple>
#include <variant>

#include "bindings.hpp"
#include "gradient/adaptive.hpp"

namespace nb = nanobind;

namespace fieldfare {

namespace {

using Numbers = Array<const std::int64_t, 1>;

// Returns the loss, or (row,) where a row cannot be used.
std::variant<double, std::tuple<std::int64_t>> epoch(
    const Rows& rows, const Maybe<const float, 1>& weight, const Numbers& train,
    const Numbers& held_out, const Maybe<float, 1>& bias, const Maybe<float, 1>& linear,
    const Maybe<float, 2>& factors, const Array<double, 1>& penalties,
    const Maybe<const float, 1>& times, const Array<const double, 1>& rates,
    std::int64_t n_features, bool logistic, bool normalised) {
  AdaptiveModel model;
  model.n_features = n_features;
  require(rows.target != nullptr, "there must be targets");
  require(rates.shape(0) == 5, "there must be five rates");
  require(!weight || length(*weight) == rows.n_rows, "there must be one weight per row");
  if (bias) {
    require(bias->shape(0) == 1, "there must be one bias");
    model.bias = bias->data();
  }
  if (linear) {
    require(length(*linear) == n_features, "there must be one linear weight per feature");
    model.linear = linear->data();
  }
  if (factors) {
    require(length(*factors) == n_features, "there must be one row of factors per feature");
    model.factors = factors->data();
    model.k = length(*factors, 1);
  }
  require(length(penalties) == 1 + model.k,
          "there must be a penalty of the linear weights and one for each factor");
  model.penalties = penalties.data();
  if (times) {
    require(length(*times) == n_features, "there must be one multiple per feature");
    model.times = times->data();
  }
  model.bias_rate = rates.data()[0];
  model.linear_rate = rates.data()[1];
  model.factor_rate = rates.data()[2];
  model.linear_penalty_rate = rates.data()[3];
  model.factor_penalty_rate = rates.data()[4];
  model.logistic = logistic;
  model.normalised = normalised;
  const AdaptiveOrder order{train.data(), length(train), held_out.data(), length(held_out)};
  const nb::gil_scoped_release released;
  if (const auto row = unusable_row(rows, order, n_features)) return std::tuple(*row);
  return adaptive_epoch(rows, weight ? weight->data() : nullptr, order, model);
}

}  // namespace

void bind_adaptive(nb::module_& module) {
  module.def("adaptive_epoch", &epoch, nb::arg("rows"), nb::arg("weight").noconvert().none(),
             nb::arg("train").noconvert(), nb::arg("held_out").noconvert(),
             nb::arg("bias").noconvert().none(), nb::arg("linear").noconvert().none(),
             nb::arg("factors").noconvert().none(), nb::arg("penalties").noconvert(),
             nb::arg("times").noconvert().none(), nb::arg("rates").noconvert(),
             nb::arg("n_features"), nb::arg("logistic"), nb::arg("normalised"));
}

}  // namespace fieldfare
