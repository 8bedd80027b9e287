// Training for Python: checks shapes and turns arrays into pointers. Ids are checked by the kernels
// themselves, one sample ahead of their use.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "common/random.hpp"
#include "gradient/job.hpp"

namespace nb = nanobind;

namespace fieldfare {

namespace {

Rows rows_from(const Array<const std::int64_t, 1>& indptr,
               const Array<const std::uint32_t, 1>& indices, const Maybe<const float, 1>& values,
               const Maybe<const std::uint16_t, 1>& fields, const Maybe<const float, 1>& target,
               const Maybe<const float, 1>& weight) {
  require(indptr.shape(0) >= 1, "indptr must not be empty");
  Rows rows;
  rows.n_rows = length(indptr) - 1;
  rows.n_entries = length(indices);
  rows.indptr = indptr.data();
  rows.indices = indices.data();
  rows.values = data_or_null(values, rows.n_entries, "values and indices differ in length");
  rows.fields = data_or_null(fields, rows.n_entries, "fields and indices differ in length");
  rows.target = data_or_null(target, rows.n_rows, "there must be one target per row");
  rows.weight = data_or_null(weight, rows.n_rows, "there must be one weight per row");
  return rows;
}

Layout checked_layout(const Spec& spec, const Rows& rows, const Array<float, 2>& table,
                      const Array<float, 2>& shared) {
  check_spec(spec, rows);
  const Layout layout = layout_of(spec);
  require(length(table, 1) == layout.stride, "table has a wrong stride");
  require(length(shared) == spec.n_outputs && length(shared, 1) == layout.shared,
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

// A job of all steps of an order, over checked arrays.
TrainJob job_of(const Spec& spec, const Layout& layout, const Array<float, 2>& table,
                const Array<float, 2>& shared, const Rows& rows) {
  TrainJob job;
  job.rows = &rows;
  job.spec = &spec;
  job.layout = &layout;
  job.table = table.data();
  job.n_features = length(table);
  job.shared = shared.data();
  return job;
}

Trained train_rows(const Spec& spec, const Array<float, 2>& table, const Array<float, 2>& shared,
                   const Rows& rows, const Array<const std::int64_t, 1>& order,
                   const Maybe<const float, 1>& class_weight, std::int64_t n_threads) {
  const Layout layout = checked_layout(spec, rows, table, shared);
  require(rows.target != nullptr, "training needs rows with a target");
  require(!is_of_pairs(spec.loss), "this loss is one of pairs");
  TrainJob job = job_of(spec, layout, table, shared, rows);
  job.order = order.data();
  job.end = length(order);
  if (class_weight) {
    job.class_weight = class_weight->data();
    job.n_classes = length(*class_weight);
  }
  return train_released(job, n_threads);
}

Trained train_pairs(const Spec& spec, const Array<float, 2>& table, const Array<float, 2>& shared,
                    const Rows& rows, const Array<const std::int64_t, 2>& pairs,
                    std::int64_t n_threads) {
  const Layout layout = checked_layout(spec, rows, table, shared);
  require(spec.n_outputs == 1, "pairs are for models with one output");
  require(is_of_pairs(spec.loss), "this loss is not one of pairs");
  require(pairs.shape(1) == 2, "pairs must have two columns");
  TrainJob job = job_of(spec, layout, table, shared, rows);
  job.order = pairs.data();
  job.end = length(pairs);
  return train_released(job, n_threads);
}

using Numbers = std::tuple<float, float, float, float>;

Rates rates_from(const Numbers& values) {
  return {std::get<0>(values), std::get<1>(values), std::get<2>(values), std::get<3>(values)};
}

using BlockNumbers = std::tuple<std::int64_t, std::int64_t, std::int64_t>;

std::vector<FactorBlock> blocks_from(const std::vector<BlockNumbers>& given,
                                     std::int64_t n_factors) {
  std::vector<FactorBlock> blocks;
  std::int64_t offset = 0, padded_offset = 0, highest = 1;
  for (const auto& [lowest, up_to, n] : given) {
    require(highest < lowest && lowest <= up_to && up_to <= max_order && n >= 1 && n <= n_factors,
            "blocks of factors must have rising orders and at least one factor");
    blocks.push_back({lowest, up_to, n, padded_factors(n), offset, padded_offset, {}});
    offset += n;
    padded_offset += padded_factors(n);
    highest = up_to;
  }
  require(!blocks.empty() && offset == n_factors, "the blocks must add up to the factors");
  return blocks;
}

// What a name stands for; raises ValueError if the core does not know it.
template <class T>
T known(std::optional<T> found, const char* what, const std::string& name,
        const std::vector<std::string>& names) {
  if (found) return *found;
  std::string message = "the compiled core knows no " + std::string(what) + " '" + name + "', only";
  for (const std::string& one : names) message += (&one == names.data() ? " " : ", ") + one;
  throw nb::value_error(message.c_str());
}

void make_spec(Spec* self, const std::string& kind, const std::string& loss,
               const std::string& rule, std::int64_t n_outputs, std::int64_t n_factors,
               std::int64_t n_fields, bool intercept, bool linear, bool instance_norm,
               bool norm_unknown, const std::vector<BlockNumbers>& factor_blocks) {
  Spec spec;
  spec.kind = known(kind_named(kind), "kind of model", kind, kind_names());
  spec.loss = known(loss_named(loss), "loss", loss, loss_names());
  spec.rule = known(rule_named(rule), "gradient rule", rule, rule_names());
  const KindTraits& traits = traits_of(spec.kind);
  spec.n_outputs = n_outputs;
  spec.n_factors = traits.has_factors ? n_factors : 0;
  spec.n_fields = traits.uses_fields ? n_fields : 0;
  spec.intercept = intercept;
  spec.linear = linear;
  spec.instance_norm = instance_norm;
  spec.norm_unknown = norm_unknown;
  if (traits.has_orders) spec.factor_blocks = blocks_from(factor_blocks, n_factors);
  new (self) Spec(std::move(spec));
}

void set_rates(Spec& self, const Numbers& bias, const Numbers& weights,
               const std::vector<Numbers>& factors, const Numbers& pairs) {
  require(factors.size() == std::max<std::size_t>(1, self.factor_blocks.size()),
          "there must be one set of rates for each block of factors");
  self.bias = rates_from(bias);
  self.weights = rates_from(weights);
  self.factors = rates_from(factors[0]);
  self.pairs = rates_from(pairs);
  for (std::size_t b = 0; b < self.factor_blocks.size(); ++b) {
    self.factor_blocks[b].rates = rates_from(factors[b]);
  }
}

void shuffle_order(const Array<std::int64_t, 1>& order, std::uint64_t seed) {
  require(order.shape(0) < std::uint64_t{1} << 32U, "too many numbers to shuffle");
  const nb::gil_scoped_release released;
  shuffle(order.data(), length(order), Draws{mix(seed)});
}

}  // namespace

void bind_training(nb::module_& module) {
  nb::class_<Rows>(module, "Rows")
      .def(
          "__init__",
          [](Rows* self, const Array<const std::int64_t, 1>& indptr,
             const Array<const std::uint32_t, 1>& indices, const Maybe<const float, 1>& values,
             const Maybe<const std::uint16_t, 1>& fields, const Maybe<const float, 1>& target,
             const Maybe<const float, 1>& weight) {
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
      .def_ro("penalty", &Layout::penalty)
      .def_ro("slots", &Layout::slots)
      .def_ro("shared", &Layout::shared)
      .def_ro("sums_squares", &Layout::sums_squares)
      .def_ro("state_per_weight", &Layout::state_per_weight);
  module.def("padded_factors", &padded_factors);
  nb::class_<Spec>(module, "Spec")
      .def("__init__", &make_spec, nb::arg("kind"), nb::arg("loss"), nb::arg("rule"),
           nb::arg("n_outputs"), nb::arg("n_factors"), nb::arg("n_fields"), nb::arg("intercept"),
           nb::arg("linear"), nb::arg("instance_norm"), nb::arg("norm_unknown"),
           nb::arg("factor_blocks"))
      .def("set_rates", &set_rates)
      .def("layout", &layout_of);
  // Nor here: results written into a converted copy would be lost.
  module.def("train", &train_rows, nb::arg("spec"), nb::arg("table").noconvert(),
             nb::arg("shared").noconvert(), nb::arg("rows"), nb::arg("order").noconvert(),
             nb::arg("class_weight").noconvert().none(), nb::arg("n_threads"));
  module.def("train_pairs", &train_pairs, nb::arg("spec"), nb::arg("table").noconvert(),
             nb::arg("shared").noconvert(), nb::arg("rows"), nb::arg("pairs").noconvert(),
             nb::arg("n_threads"));
  module.def("shuffle", &shuffle_order, nb::arg("order").noconvert(), nb::arg("seed"));
  module.def("kinds", &kind_names);
  module.def("losses", &loss_names);
  module.def("rules", &rule_names);
}

}  // namespace fieldfare
