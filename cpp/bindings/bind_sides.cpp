// The two sides of a factorization machine for Python: checks every id before anything is read.
#include <nanobind/stl/optional.h>

#include "bindings.hpp"
#include "retrieval/sides.hpp"

namespace nb = nanobind;

namespace fieldfare {

namespace {

template <class T>
void sum_sides_of(const Array<const std::int64_t, 1>& indptr,
                  const Array<const std::uint32_t, 1>& indices, const Maybe<const float, 1>& values,
                  const Maybe<const std::uint16_t, 1>& fields,
                  const Array<const std::uint8_t, 1>& side_of, bool by_field, std::uint8_t wanted,
                  const Array<const float, 1>& linear, const Array<const float, 2>& factors,
                  const Array<T, 2>& cross, const Array<double, 1>& own, std::int64_t n_threads) {
  Sides job;
  job.rows.n_rows = length(own);
  job.rows.n_entries = length(indices);
  require(length(indptr) == job.rows.n_rows + 1, "there must be one sum per row");
  job.rows.indptr = indptr.data();
  job.rows.indices = indices.data();
  const char* differ = "indices, values and fields differ in length";
  job.rows.values = data_or_null(values, job.rows.n_entries, differ);
  job.rows.fields = data_or_null(fields, job.rows.n_entries, differ);
  require(!by_field || job.rows.fields != nullptr, "sides by field need rows with fields");
  job.side_of = side_of.data();
  job.n_keys = length(side_of);
  job.by_field = by_field;
  job.wanted = wanted;
  job.n_features = length(linear);
  job.k = length(factors, 1);
  require(length(factors) == job.n_features, "weights and factors differ in length");
  job.stride = length(cross, 1);
  require(length(cross) == job.rows.n_rows && job.stride >= job.k, "the sums have a wrong shape");
  job.linear = linear.data();
  job.factors = factors.data();
  job.own = own.data();
  const nb::gil_scoped_release released;
  check_indptr(job.rows.indptr, job.rows.n_rows, job.rows.n_entries);
  sum_sides(job, cross.data(), n_threads);
}

template <class T>
void bind_sides_of(nb::module_& module) {
  module.def("sum_sides", &sum_sides_of<T>, nb::arg("indptr").noconvert(),
             nb::arg("indices").noconvert(), nb::arg("values").noconvert().none(),
             nb::arg("fields").noconvert().none(), nb::arg("side_of").noconvert(),
             nb::arg("by_field"), nb::arg("wanted"), nb::arg("linear").noconvert(),
             nb::arg("factors").noconvert(), nb::arg("cross").noconvert(),
             nb::arg("own").noconvert(), nb::arg("n_threads"));
}

}  // namespace

void bind_sides(nb::module_& module) {
  bind_sides_of<float>(module);
  bind_sides_of<double>(module);
}

}  // namespace fieldfare
