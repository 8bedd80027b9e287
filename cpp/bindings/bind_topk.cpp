// Search by inner product for Python: checks shapes and ids before anything is read through them.
#include <nanobind/stl/optional.h>

#include <optional>

#include "bindings.hpp"
#include "retrieval/topk.hpp"

namespace nb = nanobind;

namespace fieldfare {

namespace {

Search search_of(const Array<const float, 2>& items, const Array<const float, 2>& queries) {
  Search search;
  search.n_items = length(items);
  search.n_queries = length(queries);
  search.d = length(items, 1);
  require(length(queries, 1) == search.d, "items and queries differ in length");
  require(search.n_items <= 0xFFFFFFFFLL, "there are too many items");
  search.items = items.data();
  search.queries = queries.data();
  return search;
}

void exclude(Search& search, const Maybe<const std::int64_t, 1>& indptr,
             const Maybe<const std::uint32_t, 1>& excluded) {
  require(indptr.has_value() == excluded.has_value(), "exclusions need indptr and ids");
  if (!indptr || !excluded) return;
  const auto n = length(*excluded);
  require(length(*indptr) == search.n_queries + 1 && indptr->data()[0] >= 0 &&
              indptr->data()[search.n_queries] <= n,
          "exclusions point outside their ids");
  for (std::int64_t q = 0; q < search.n_queries; ++q) {
    const std::int64_t begin = indptr->data()[q], end = indptr->data()[q + 1];
    require(begin <= end && end <= n, "the indptr of exclusions decreases");
    for (std::int64_t j = begin + 1; j < end; ++j) {
      require(excluded->data()[j - 1] <= excluded->data()[j], "exclusions must ascend");
    }
  }
  search.excluded_indptr = indptr->data();
  search.excluded = excluded->data();
}

void search_items(const Array<const float, 2>& items, const Array<const float, 2>& queries,
                  const Maybe<const std::uint8_t, 1>& allowed,
                  const Maybe<const std::int64_t, 1>& indptr,
                  const Maybe<const std::uint32_t, 1>& excluded, Array<std::int64_t, 2> ids,
                  Array<float, 2> scores, std::int64_t n_threads) {
  Search job = search_of(items, queries);
  if (allowed) {
    require(length(*allowed) == job.n_items, "there must be one mark per item");
    job.allowed = allowed->data();
  }
  job.k = length(ids, 1);
  require(job.k >= 1 && length(ids) == job.n_queries && scores.shape(0) == ids.shape(0) &&
              scores.shape(1) == ids.shape(1),
          "ids and scores have a wrong shape");
  job.ids = ids.data();
  job.scores = scores.data();
  const nb::gil_scoped_release released;
  exclude(job, indptr, excluded);
  search(job, n_threads);
}

void score_chosen(const Array<const float, 2>& items, const Array<const float, 2>& queries,
                  const Array<const std::int64_t, 2>& chosen, Array<float, 2> out) {
  const Search job = search_of(items, queries);
  require(length(chosen) == job.n_queries && out.shape(0) == chosen.shape(0) &&
              out.shape(1) == chosen.shape(1),
          "chosen items and scores have a wrong shape");
  for (std::size_t j = 0; j < chosen.size(); ++j) {
    require(chosen.data()[j] < job.n_items, "an item is out of range");
  }
  const nb::gil_scoped_release released;
  score_items(job, chosen.data(), length(chosen, 1), out.data());
}

}  // namespace

void bind_topk(nb::module_& module) {
  module.def("search_items", &search_items, nb::arg("items").noconvert(),
             nb::arg("queries").noconvert(), nb::arg("allowed").noconvert().none(),
             nb::arg("indptr").noconvert().none(), nb::arg("excluded").noconvert().none(),
             nb::arg("ids").noconvert(), nb::arg("scores").noconvert(), nb::arg("n_threads"));
  module.def("score_items", &score_chosen, nb::arg("items").noconvert(),
             nb::arg("queries").noconvert(), nb::arg("chosen").noconvert(),
             nb::arg("out").noconvert());
}

}  // namespace fieldfare
