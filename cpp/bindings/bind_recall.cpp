// Recall for Python: the non-sampled solver, which copies the two sides, and rows composed of
// halves.
#include <nanobind/stl/optional.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "bindings.hpp"
#include "recall/halves.hpp"
#include "recall/recall.hpp"

namespace nb = nanobind;

namespace fieldfare {

namespace {

using Starts = Array<const std::int64_t, 1>;
using Ids = Array<const std::uint32_t, 1>;
using Values = Array<const float, 1>;

Sparse checked(const Starts& start, const Ids& index, const Values& value, std::int64_t n_columns) {
  const std::int64_t n = length(start), n_entries = length(index);
  require(n >= 1 && start.data()[0] == 0 && start.data()[n - 1] == n_entries &&
              length(value) == n_entries,
          "starts, indices and values do not fit together");
  require(std::is_sorted(start.data(), start.data() + n), "starts must not decrease");
  const auto in_range = [&](std::uint32_t i) { return i < n_columns; };
  require(std::all_of(index.data(), index.data() + n_entries, in_range),
          "an index is out of range");
  return {{start.data(), start.data() + n},
          {index.data(), index.data() + n_entries},
          {value.data(), value.data() + n_entries}};
}

void make_side(RecallSide* self, const Starts& start, const Ids& index, const Values& value,
               std::int64_t n_features, const Starts& seen_start, const Ids& seen_index,
               const Values& seen_weight, std::int64_t n_partners, bool items, const Values& share,
               const Values& partner_share) {
  RecallSide side;
  side.n_rows = length(start) - 1;
  side.n_features = n_features;
  side.n_partners = n_partners;
  side.items = items;
  require(side.n_rows <= std::numeric_limits<std::uint32_t>::max() && n_features >= 0 &&
              n_partners >= 0,
          "there are too many rows");
  require(length(seen_start) == length(start), "both parts must have the same rows");
  side.rows = checked(start, index, value, n_features);
  side.seen = checked(seen_start, seen_index, seen_weight, n_partners);
  require(length(share) == side.n_rows && length(partner_share) == n_partners,
          "there must be one share for each row and each partner");
  side.share.assign(share.data(), share.data() + side.n_rows);
  side.partner_share.assign(partner_share.data(), partner_share.data() + n_partners);
  transpose(side);
  new (self) RecallSide(std::move(side));
}

void check_shape(const Array<float, 2>& array, std::int64_t n, std::int64_t k) {
  require(k >= 1 && length(array) == n && length(array, 1) == recall_stride(k),
          "vectors have a wrong shape");
}

void vectors(const RecallSide& side, const Array<float, 2>& parameters, std::int64_t k,
             const Array<float, 2>& out, std::int64_t n_threads) {
  check_shape(parameters, side.n_features, k);
  check_shape(out, side.n_rows, k);
  const nb::gil_scoped_release released;
  recall_vectors(side, parameters.data(), k, out.data(), n_threads);
}

struct Settings {
  std::int64_t k = 0, first_free = 0, steps = 0;
  float unobserved = 0;
  bool linear = true;
};

double solve(const RecallSide& side, const Array<float, 2>& parameters, const Array<float, 2>& own,
             const Array<float, 2>& partners, const Values& penalty, const Settings& settings,
             std::int64_t n_threads) {
  check_shape(parameters, side.n_features, settings.k);
  check_shape(own, side.n_rows, settings.k);
  check_shape(partners, side.n_partners, settings.k);
  require(length(penalty) == side.n_features, "there must be one penalty per feature");
  RecallProblem problem;
  problem.partners = partners.data();
  problem.k = settings.k;
  problem.unobserved = settings.unobserved;
  problem.penalty = penalty.data();
  problem.first_free = settings.first_free;
  problem.linear = settings.linear;
  problem.steps = settings.steps;
  RecallOutcome outcome;
  {
    const nb::gil_scoped_release released;
    outcome = solve_side(side, problem, parameters.data(), own.data(), n_threads, go_on);
  }
  if (!outcome.complete) throw nb::python_error();
  return outcome.loss;
}

Joined joined_from(const Halves& halves, const Starts& query, const Starts& item) {
  require(length(query) == length(item), "a row needs a query and an item");
  const auto within = [](const Starts& chosen, std::int64_t n) {
    return std::all_of(chosen.data(), chosen.data() + length(chosen),
                       [n](std::int64_t i) { return i >= 0 && i < n; });
  };
  require(within(query, halves.queries.n_rows) && within(item, halves.items.n_rows),
          "a query or an item is out of range");
  return {query.data(), item.data(), length(query)};
}

void starts_of(const Halves& halves, const Starts& query, const Starts& item,
               const Array<std::int64_t, 1>& starts) {
  require(length(starts) == length(query) + 1, "starts have a wrong length");
  join_starts(halves, joined_from(halves, query, item), starts.data());
}

template <class T>
using Out = std::optional<Array<T, 1>>;

void entries_of(const Halves& halves, const Starts& query, const Starts& item,
                const Array<std::uint32_t, 1>& indices, const Out<float>& values,
                const Out<std::uint16_t>& fields) {
  const Joined joined = joined_from(halves, query, item);
  std::int64_t n = 0;
  for (std::int64_t r = 0; r < joined.n; ++r) {
    n += halves.queries.indptr[joined.query[r] + 1] - halves.queries.indptr[joined.query[r]] +
         halves.items.indptr[joined.item[r] + 1] - halves.items.indptr[joined.item[r]];
  }
  require(length(indices) == n && (!values || length(*values) == n) &&
              (!fields || length(*fields) == n),
          "entries have a wrong length");
  join_entries(halves, joined, indices.data(), values ? values->data() : nullptr,
               fields ? fields->data() : nullptr);
}

}  // namespace

void bind_recall(nb::module_& module) {
  module.def("recall_stride", &recall_stride);
  nb::class_<Settings>(module, "RecallSettings")
      .def("__init__", [](Settings* self, std::int64_t k, float unobserved, bool linear,
                          std::int64_t first_free, std::int64_t steps) {
        new (self) Settings{k, first_free, steps, unobserved, linear};
      });
  nb::class_<Halves>(module, "Halves")
      .def(
          "__init__",
          [](Halves* self, const Rows& queries, const Rows& items) {
            check_indptr(queries.indptr, queries.n_rows, queries.n_entries);
            check_indptr(items.indptr, items.n_rows, items.n_entries);
            new (self) Halves{queries, items};
          },
          nb::keep_alive<1, 2>(), nb::keep_alive<1, 3>())
      .def("starts", &starts_of, nb::arg("query").noconvert(), nb::arg("item").noconvert(),
           nb::arg("starts").noconvert())
      .def("entries", &entries_of, nb::arg("query").noconvert(), nb::arg("item").noconvert(),
           nb::arg("indices").noconvert(), nb::arg("values").noconvert().none(),
           nb::arg("fields").noconvert().none());
  nb::class_<RecallSide>(module, "RecallSide")
      .def("__init__", &make_side)
      .def("vectors", &vectors)
      .def("solve", &solve);
}

}  // namespace fieldfare
