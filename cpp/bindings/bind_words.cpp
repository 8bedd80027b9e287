// Vocabularies for Python: the positions of texts, in Arrow's layout, among the known words.

#include <cstddef>
#include <cstdint>
#include <limits>

#include "bindings.hpp"
#include "text/words.hpp"

namespace nb = nanobind;

namespace fieldfare {
namespace {

using Bytes = Array<const std::uint8_t, 1>;

template <class Offset>
Texts<Offset> texts_of(const Bytes& bytes, const Array<const Offset, 1>& offsets) {
  const std::size_t n = offsets.size();
  bool sound = n != 0 && offsets.data()[0] >= 0 &&
               static_cast<std::uint64_t>(offsets.data()[n - 1]) <= bytes.size();
  for (std::size_t i = 1; i < n; ++i) sound &= offsets.data()[i - 1] <= offsets.data()[i];
  require(sound, "offsets decrease or point outside the text");
  return {bytes.data(), offsets.data(), n - 1};
}

void make(Words* self, const Bytes& bytes, const Array<const std::int64_t, 1>& offsets) {
  const Texts<std::int64_t> known = texts_of(bytes, offsets);
  require(known.n < std::numeric_limits<std::uint32_t>::max(), "too many words");
  const nb::gil_scoped_release release;
  new (self) Words(known);
}

template <class Offset>
void find(const Words& words, const Bytes& bytes, const Array<const Offset, 1>& offsets,
          const Array<std::int64_t, 1>& out) {
  const nb::gil_scoped_release release;
  const Texts<Offset> texts = texts_of(bytes, offsets);
  require(out.size() == texts.n, "out needs one place for each text");
  words.find(texts, out.data());
}

}  // namespace

void bind_words(nb::module_& module) {
  nb::class_<Words>(module, "Words")
      .def("__init__", &make, nb::arg("blob").noconvert(), nb::arg("offsets").noconvert(),
           nb::keep_alive<1, 2>(), nb::keep_alive<1, 3>())
      .def("find", &find<std::int32_t>, nb::arg("blob").noconvert(), nb::arg("offsets").noconvert(),
           nb::arg("out").noconvert())
      .def("find", &find<std::int64_t>, nb::arg("blob").noconvert(), nb::arg("offsets").noconvert(),
           nb::arg("out").noconvert());
}

}  // namespace fieldfare
