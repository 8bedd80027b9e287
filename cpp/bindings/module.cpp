// The compiled core, one Python module. Each part of it registers its own functions.
#include <nanobind/nanobind.h>

#include "bindings.hpp"

NB_MODULE(_core, module) {
  fieldfare::bind_adaptive(module);
  fieldfare::bind_kernels(module);
  fieldfare::bind_coordinate(module);
  fieldfare::bind_initial(module);
  fieldfare::bind_recall(module);
  fieldfare::bind_scoring(module);
  fieldfare::bind_text(module);
  fieldfare::bind_topk(module);
  fieldfare::bind_words(module);
}
