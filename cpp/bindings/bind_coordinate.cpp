// Coordinate descent and Gibbs sampling for Python: holds the arrays, and checks that they fit.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <limits>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "bindings.hpp"
#include "common/normal.hpp"
#include "coordinate/coordinate.hpp"
#include "coordinate/latent.hpp"
#include "models/spec.hpp"

namespace nb = nanobind;

namespace fieldfare {

namespace {

// The structs of the core, with the arrays that they point into.
struct OwnedParameters {
  Maybe<float, 1> bias, linear;
  Maybe<float, 2> factors;
  Maybe<const std::uint32_t, 2> orders;

  SweepParameters checked(const Design& design) const {
    SweepParameters found;
    found.bias = data_or_null(bias, 1, "there must be one bias");
    found.linear =
        data_or_null(linear, design.n_features, "there must be one linear weight per feature");
    if (factors) {
      require(length(*factors, 1) == design.n_features,
              "there must be one column of factors per feature");
      found.factors = factors->data();
      found.k = length(*factors);
    }
    if (orders) {
      require(length(*orders) == found.k && orders->shape(1) == 2,
              "there must be a lowest and a highest order per factor");
      for (std::int64_t f = 0; f < found.k; ++f) {
        const FactorOrders own{orders->data()[2 * f], orders->data()[2 * f + 1]};
        require(2 <= own.lowest && own.lowest <= own.highest && own.highest <= max_order,
                "an order is out of range");
        found.orders.push_back(own);
      }
    }
    return found;
  }
};

struct OwnedPrior {
  Maybe<const std::uint32_t, 1> group;
  Array<const float, 2> precision, mean;
  Maybe<const float, 1> multiplier;
  float bias_precision = 0;

  Prior checked(const Design& design, std::int64_t k) const {
    Prior found;
    found.n_groups = length(precision, 1);
    require(found.n_groups >= 1 && mean.shape(1) == precision.shape(1) &&
                length(precision) == 1 + k && length(mean) == 1 + k,
            "there must be one precision and one mean per factor and group");
    found.group = data_or_null(group, design.n_features, "there must be one group per feature");
    for (std::int64_t j = 0; found.group != nullptr && j < design.n_features; ++j) {
      require(found.group[j] < found.n_groups, "a group is out of range");
    }
    found.precision = precision.data();
    found.mean = mean.data();
    found.multiplier =
        data_or_null(multiplier, design.n_features, "there must be one multiplier per feature");
    found.bias_precision = bias_precision;
    return found;
  }
};

struct OwnedObserved {
  Array<float, 1> residual, target;
  Maybe<const float, 1> label, weight;
  float precision = 1;

  Observed checked(const Design& design) const {
    Observed found;
    require(length(residual) == design.n_rows && length(target) == design.n_rows,
            "there must be one residual and one target per row");
    found.residual = residual.data();
    found.target = target.data();
    found.label = data_or_null(label, design.n_rows, "there must be one label per row");
    found.weight = data_or_null(weight, design.n_rows, "there must be one weight per row");
    found.precision = precision;
    return found;
  }
};

const char* name_of(DesignFault::Reason reason) {
  switch (reason) {
    case DesignFault::Reason::bad_row:
      return "bad_row";
    case DesignFault::Reason::repeated_feature:
      return "repeated_feature";
    case DesignFault::Reason::bad_relation:
      return "bad_relation";
    case DesignFault::Reason::shared_feature:
      return "shared_feature";
  }
  return "";
}

// Returns the design, or else the row at fault and the name of the DesignFault::Reason.
std::variant<Design, std::pair<std::int64_t, std::string>> build_design(
    const Rows& rows, const std::vector<Array<const std::uint32_t, 1>>& codes,
    const std::vector<Rows>& sides, const Maybe<const std::int64_t, 1>& order,
    std::int64_t n_features, bool normalised) {
  const std::int64_t n_order = order ? length(*order) : 0;
  constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
  require(rows.n_rows < most && n_order < most && n_features >= 0 && n_features < most,
          "there are too many rows or features for coordinate descent");
  require(codes.size() == sides.size(), "there must be codes for every side table");
  require(sides.empty() || !normalised, "rows with side tables cannot be normalised");
  std::vector<Relation> relations;
  for (std::size_t r = 0; r < sides.size(); ++r) {
    require(length(codes[r]) == rows.n_rows && sides[r].n_rows < most,
            "there must be one code per row");
    relations.push_back({codes[r].data(), sides[r]});
  }
  Design design;
  design.n_features = n_features;
  std::optional<DesignFault> fault;
  {
    const nb::gil_scoped_release released;
    fault =
        make_design(rows, relations, order ? order->data() : nullptr, n_order, normalised, &design);
  }
  if (!fault) return design;
  return std::pair(fault->row, std::string(name_of(fault->reason)));
}

bool sweep_design(const Design& design, const OwnedParameters& owned_parameters,
                  const OwnedPrior& owned_prior, const OwnedObserved& owned_observed,
                  const std::optional<std::uint64_t>& key, std::int64_t n_threads) {
  const SweepParameters parameters = owned_parameters.checked(design);
  const Prior prior = owned_prior.checked(design, parameters.k);
  const Observed observed = owned_observed.checked(design);
  std::optional<Draws> draws;
  if (key) draws = Draws{mix(*key)};
  bool complete = false;
  {
    const nb::gil_scoped_release released;
    complete = sweep(design, parameters, prior, observed, draws, n_threads, go_on);
  }
  if (!complete) throw nb::python_error();
  return complete;
}

void scores(const Design& design, const OwnedParameters& owned, const Array<float, 1>& out,
            std::int64_t n_threads) {
  const SweepParameters parameters = owned.checked(design);
  require(length(out) == design.n_rows, "out has a wrong shape");
  const nb::gil_scoped_release released;
  score_design(design, parameters, out.data(), n_threads);
}

using Labels = Array<const std::uint8_t, 1>;
using Cutpoints = Array<const double, 1>;

Ordinal ordinal_from(const Array<const float, 1>& scores, const Labels& labels,
                     const Cutpoints& cutpoints) {
  const auto n = length(scores);
  const auto m = length(cutpoints);
  require(length(labels) == n, "there must be one label per row");
  require(m >= 1, "there must be a cutpoint");
  for (std::int64_t i = 0; i < n; ++i) require(labels.data()[i] <= m, "a label is out of range");
  return {n, scores.data(), labels.data(), m, cutpoints.data()};
}

void latent(const Array<const float, 1>& scores, const Labels& labels, const Cutpoints& cutpoints,
            std::uint64_t key, const Array<float, 1>& out, std::int64_t n_threads) {
  const Ordinal ordinal = ordinal_from(scores, labels, cutpoints);
  require(out.shape(0) == scores.shape(0), "out has a wrong shape");
  const nb::gil_scoped_release released;
  draw_latent(ordinal, Draws{mix(key)}, out.data(), n_threads);
}

double likelihood(const Array<const float, 1>& scores, const Labels& labels,
                  const Cutpoints& cutpoints, const Array<double, 1>& gradient,
                  const Array<double, 2>& second, std::int64_t n_threads) {
  const Ordinal ordinal = ordinal_from(scores, labels, cutpoints);
  require(gradient.shape(0) == cutpoints.shape(0) && second.shape(0) == cutpoints.shape(0) &&
              second.shape(1) == 2,
          "there must be one derivative per cutpoint");
  const nb::gil_scoped_release released;
  return ordinal_likelihood(ordinal, gradient.data(), second.data(), n_threads);
}

void probabilities(const Array<const float, 2>& scores, const Array<const double, 2>& cutpoints,
                   const Array<double, 2>& out, std::int64_t n_threads) {
  require(out.shape(0) == scores.shape(0) && out.shape(1) == cutpoints.shape(1) + 1 &&
              cutpoints.shape(0) == scores.shape(1),
          "out or cutpoints have a wrong shape");
  const nb::gil_scoped_release released;
  class_probabilities(length(scores), length(scores, 1), scores.data(), length(cutpoints, 1),
                      cutpoints.data(), out.data(), n_threads);
}

std::vector<std::tuple<std::string, std::int64_t, std::int64_t>> describe(const Design& design) {
  std::vector<std::tuple<std::string, std::int64_t, std::int64_t>> found;
  for (const Block& block : design.blocks) {
    const char* kind = block.kind == Block::Kind::one_hot ? "one_hot"
                       : block.kind == Block::Kind::table ? "table"
                                                          : "direct";
    found.emplace_back(kind, std::ssize(block.features), block.n_codes);
  }
  return found;
}

}  // namespace

void bind_coordinate(nb::module_& module) {
  nb::class_<OwnedParameters>(module, "SweepParameters")
      .def(
          "__init__",
          [](OwnedParameters* self, const Maybe<float, 1>& bias, const Maybe<float, 1>& linear,
             const Maybe<float, 2>& factors, const Maybe<const std::uint32_t, 2>& orders) {
            new (self) OwnedParameters{bias, linear, factors, orders};
          },
          // Nothing is converted: results written into a copy would be lost.
          nb::arg("bias").noconvert().none(), nb::arg("linear").noconvert().none(),
          nb::arg("factors").noconvert().none(), nb::arg("orders").noconvert().none());
  nb::class_<OwnedPrior>(module, "Prior")
      .def(
          "__init__",
          [](OwnedPrior* self, const Maybe<const std::uint32_t, 1>& group,
             const Array<const float, 2>& precision, const Array<const float, 2>& mean,
             const Maybe<const float, 1>& multiplier, float bias_precision) {
            new (self) OwnedPrior{group, precision, mean, multiplier, bias_precision};
          },
          nb::arg("group").noconvert().none(), nb::arg("precision").noconvert(),
          nb::arg("mean").noconvert(), nb::arg("multiplier").noconvert().none(),
          nb::arg("bias_precision"));
  nb::class_<OwnedObserved>(module, "Observed")
      .def(
          "__init__",
          [](OwnedObserved* self, const Array<float, 1>& residual, const Array<float, 1>& target,
             const Maybe<const float, 1>& label, const Maybe<const float, 1>& weight,
             float precision) {
            new (self) OwnedObserved{residual, target, label, weight, precision};
          },
          nb::arg("residual").noconvert(), nb::arg("target").noconvert(),
          nb::arg("label").noconvert().none(), nb::arg("weight").noconvert().none(),
          nb::arg("precision"));
  nb::class_<Design>(module, "Design")
      .def_ro("n_rows", &Design::n_rows)
      .def_ro("n_features", &Design::n_features)
      .def("describe", &describe)
      .def(
          "count_rows",
          [](const Design& design, const Array<float, 1>& out) {
            require(length(out) == design.n_features, "out has a wrong shape");
            count_rows(design, out.data());
          },
          nb::arg("out").noconvert())
      .def("sweep", &sweep_design, nb::arg("parameters"), nb::arg("prior"), nb::arg("observed"),
           nb::arg("key").none(), nb::arg("n_threads"))
      .def("score", &scores, nb::arg("parameters"), nb::arg("out").noconvert(),
           nb::arg("n_threads"));
  module.def("draw_latent", &latent, nb::arg("scores").noconvert(), nb::arg("labels").noconvert(),
             nb::arg("cutpoints").noconvert(), nb::arg("key"), nb::arg("out").noconvert(),
             nb::arg("n_threads"));
  module.def("ordinal_likelihood", &likelihood, nb::arg("scores").noconvert(),
             nb::arg("labels").noconvert(), nb::arg("cutpoints").noconvert(),
             nb::arg("gradient").noconvert(), nb::arg("second").noconvert(), nb::arg("n_threads"));
  module.def("class_probabilities", &probabilities, nb::arg("scores").noconvert(),
             nb::arg("cutpoints").noconvert(), nb::arg("out").noconvert(), nb::arg("n_threads"));
  module.def("normal_quantile", &normal_quantile, nb::arg("p"));
  module.def("make_design", &build_design, nb::arg("rows"), nb::arg("codes"), nb::arg("sides"),
             nb::arg("order").noconvert().none(), nb::arg("n_features"), nb::arg("normalised"));
}

}  // namespace fieldfare
