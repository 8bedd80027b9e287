// The record of one instruction set. Compiled once for each, under the namespace FIELDFARE_ISA; it
// is a constant, so that nothing compiled for a newer processor runs on an older one at load.
#include "isa/kernels.hpp"

#define FIELDFARE_TEXT_OF(name) #name
#define FIELDFARE_NAME_OF(name) FIELDFARE_TEXT_OF(name)

namespace fieldfare::FIELDFARE_ISA {

extern const Isa entry_points;

constinit const Isa entry_points = {
    .name = FIELDFARE_NAME_OF(FIELDFARE_ISA),
    .train_rows = train_rows,
    .train_pairs = train_pairs,
    .score_rows = score_rows,
    .inner_products = inner_products,
    .grouped_products = grouped_products,
    .any_above = any_above,
    .combine = combine,
    .weigh = weigh,
    .add_gram = add_gram,
};

}  // namespace fieldfare::FIELDFARE_ISA
