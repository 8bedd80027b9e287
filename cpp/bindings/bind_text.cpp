// Reading for Python: text, as bytes, and its rows, as a tuple of arrays that own their memory; and
// the field of each feature.
#include <nanobind/stl/optional.h>

#include <cstdint>
#include <string>
#include <utility>

#include "bindings.hpp"
#include "text/text.hpp"

namespace nb = nanobind;

namespace fieldfare {
namespace {

template <class T>
nb::object to_numpy(text::Array<T>&& array, std::int64_t size) {
  if (array == nullptr) return nb::none();
  T* const data = array.release();
  const nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
  return nb::cast(
      nb::ndarray<nb::numpy, T, nb::ndim<1>>(data, {static_cast<std::size_t>(size)}, owner));
}

// Either the seven arrays of Rows and the numbers of features, fields and lines, or (reason,
// offset).
nb::tuple parse_text(const Array<const std::uint8_t, 1>& buffer, bool has_fields, bool has_target,
                     bool has_group) {
  text::Parsed rows;
  {
    const nb::gil_scoped_release release;
    rows = text::parse(reinterpret_cast<const char*>(buffer.data()), buffer.size(),
                       {has_fields, has_target, has_group});
  }
  if (rows.fault.reason != text::Reason::kNone) {
    return nb::make_tuple(static_cast<int>(rows.fault.reason), rows.fault.offset);
  }
  return nb::make_tuple(
      to_numpy(std::move(rows.indptr), rows.n_rows + 1),
      to_numpy(std::move(rows.indices), rows.n_entries),
      to_numpy(std::move(rows.values), rows.n_entries),
      to_numpy(std::move(rows.fields), rows.n_entries),
      to_numpy(std::move(rows.target), rows.n_rows), to_numpy(std::move(rows.weight), rows.n_rows),
      to_numpy(std::move(rows.group), rows.n_rows), rows.n_features, rows.n_fields, rows.n_lines);
}

nb::bytes format_text(const Array<const std::int64_t, 1>& indptr,
                      const Array<const std::uint32_t, 1>& indices,
                      const Maybe<const float, 1>& values,
                      const Maybe<const std::uint16_t, 1>& fields,
                      const Maybe<const float, 1>& target, const Maybe<const float, 1>& weight,
                      const Maybe<const std::int64_t, 1>& group) {
  const auto n_rows = length(indptr) - 1;
  const auto n_entries = length(indices);
  require(n_rows >= 0, "indptr must not be empty");
  check_indptr(indptr.data(), n_rows, n_entries);
  constexpr const char* unequal = "arrays of rows differ in length";
  const Rows rows{n_rows,
                  n_entries,
                  indptr.data(),
                  indices.data(),
                  data_or_null(values, n_entries, unequal),
                  data_or_null(fields, n_entries, unequal),
                  data_or_null(target, n_rows, unequal),
                  data_or_null(weight, n_rows, unequal)};
  const std::int64_t* const groups = data_or_null(group, n_rows, unequal);
  std::string text;
  {
    const nb::gil_scoped_release release;
    text = text::format(rows, groups);
  }
  return nb::bytes(text.data(), text.size());
}

// field_of[indices[i]] = fields[i]
void note_fields(const Array<std::uint16_t, 1>& of, const Array<const std::uint32_t, 1>& indices,
                 const Array<const std::uint16_t, 1>& fields) {
  require(indices.size() == fields.size(), "arrays of rows differ in length");
  std::uint16_t* const to = of.data();
  const std::size_t n_features = of.size();
  bool sound = true;
  {
    const nb::gil_scoped_release release;
    for (std::size_t i = 0; i < indices.size(); ++i) {
      const std::size_t id = indices.data()[i];
      if (id < n_features) [[likely]] {
        to[id] = fields.data()[i];
      } else {
        sound = false;
      }
    }
  }
  require(sound, "a feature id is not below the length of field_of");
}

}  // namespace

void bind_text(nb::module_& module) {
  module.def("parse_text", &parse_text, nb::arg("buffer").noconvert(), nb::arg("has_fields"),
             nb::arg("has_target"), nb::arg("has_group"));
  module.def("format_text", &format_text, nb::arg("indptr").noconvert(),
             nb::arg("indices").noconvert(), nb::arg("values").noconvert().none(),
             nb::arg("fields").noconvert().none(), nb::arg("target").noconvert().none(),
             nb::arg("weight").noconvert().none(), nb::arg("group").noconvert().none());
  module.def("note_fields", &note_fields, nb::arg("field_of").noconvert(),
             nb::arg("indices").noconvert(), nb::arg("fields").noconvert());
}

}  // namespace fieldfare
