// The list of all kinds of models, to which a new one has to be added.
#pragma once

#include "common/type_list.hpp"
#include "models/ffm.hpp"
#include "models/fm.hpp"
#include "models/fwfm.hpp"
#include "models/hofm.hpp"
#include "models/linear.hpp"

namespace fieldfare::FIELDFARE_ISA {

using Models = TypeList<Linear, Fm, Ffm, Fwfm, Hofm>;

// Calls work.operator()<Model>() for the kind of a spec.
template <class Work>
auto with_model(const Spec& spec, Work&& work) {
  return Models::visit(static_cast<int>(spec.kind), work);
}

}  // namespace fieldfare::FIELDFARE_ISA
