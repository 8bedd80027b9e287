// What the kernels are told and what they answer: scalars and pointers only.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "fieldfare/rows.hpp"

namespace fieldfare {

enum class Kind { linear, fm, ffm, fwfm, hofm };

constexpr bool uses_fields(Kind kind) { return kind == Kind::ffm || kind == Kind::fwfm; }

enum class Loss { squared, logistic, softmax, pairwise, hinge };  // the last two: of pairs
enum class Rule { adagrad, rowwise_adagrad, sgd, ftrl };

// Step size and penalties of one group of parameters.
struct Rates {
  float learning_rate = 0;
  float l2 = 0;
  float l1 = 0;    // FTRL only
  float beta = 1;  // FTRL only
};

constexpr std::int64_t max_order = 16;

// Factors of an HOFM that serve the same orders: one of them, or all if they share their factors.
// A vector holds the factors of one part after the other; in a training table each part is padded
// to whole lanes.
struct Part {
  std::int64_t lowest = 2, highest = 2;  // orders
  std::int64_t n_factors = 0, padded = 0;
  std::int64_t offset = 0, padded_offset = 0;
  Rates rates;
};

struct Spec {
  Kind kind = Kind::fm;
  Loss loss = Loss::logistic;
  Rule rule = Rule::adagrad;
  std::int64_t n_outputs = 1;  // 1 unless softmax
  std::int64_t n_factors = 0;
  std::int64_t n_fields = 0;  // models that use fields only
  bool intercept = true;
  bool linear = true;
  bool instance_norm = false;
  Rates bias, weights, factors, pairs;
  std::vector<Part> parts;  // HOFM only, by order

  std::int64_t highest_order() const { return parts.empty() ? 2 : parts.back().highest; }
};

// Rows that one step learns from.
inline std::int64_t rows_a_step(const Spec& spec) { return spec.loss < Loss::pairwise ? 1 : 2; }

// The training table has one row a feature; weights and optimiser state lie side by side, so that a
// visit touches as few cache lines as possible. Offsets and strides count floats. One output's part
// of a row is: factors | state of the factors | weight | state of the weight.
struct Layout {
  std::int64_t stride = 0;          // from one feature to the next
  std::int64_t used = 0;            // floats of a row that mean something
  std::int64_t output_stride = 0;   // from one output to the next inside a row
  std::int64_t padded_factors = 0;  // n_factors rounded up to whole lanes; the padding stays zero
  std::int64_t blocks = 0;          // latent vectors a feature: n_fields for FFM, parts for HOFM
  std::int64_t factor_state = 0;    // offset of the state of the factors
  std::int64_t weight = 0;          // offset of the linear weight
  std::int64_t slots = 0;           // state values a weight: 0 SGD, 1 AdaGrad, 2 FTRL (z, n)
  std::int64_t shared = 0;          // one output's shared parameters, each with its state
};

Layout layout_of(const Spec& spec);
std::int64_t padded_factors(std::int64_t n_factors);

// Where the parameters of a model lie, in a training table or in plain arrays.
struct View {
  std::int64_t n_features = 0;
  const float* bias = nullptr;  // [n_outputs] with stride bias_output
  std::int64_t bias_output = 1;
  const float* weights = nullptr;  // or null: no linear part
  std::int64_t weight_row = 0, weight_output = 0;
  const float* factors = nullptr;  // or null: linear model
  std::int64_t factor_row = 0, factor_output = 0, factor_block = 0;
  bool padded_parts = false;     // HOFM only
  const float* pairs = nullptr;  // FwFM only
  std::int64_t pair_output = 0, pair_row = 0, pair_step = 0;
  std::int64_t k = 0;
};

// The rows of frequent features, private to a thread for a while: written in turns, the few cache
// lines that hold them would travel between the cores all the time. Direct-mapped: the only feature
// that can be at home in a bucket is ids[bucket].
struct HotRows {
  static constexpr int bits = 12;
  static constexpr std::int64_t buckets = std::int64_t{1} << bits;
  static constexpr std::uint32_t multiplier = 2654435769U;  // 2^32 over the golden ratio
  static std::uint32_t bucket(std::uint32_t id) { return (id * multiplier) >> (32 - bits); }

  const std::uint32_t* ids = nullptr;  // [buckets], or null: no row is private
  float* rows = nullptr;               // [buckets, layout.stride]
};

inline std::int64_t whole_fours(std::int64_t n) { return (n + 3) / 4 * 4; }

// Room for staged samples and for what the models remember of them.
struct Workspace {
  float** rows = nullptr;          // [slots, longest]
  float* x = nullptr;              // [slots, longest]
  float* score = nullptr;          // [slots, n_outputs]
  float* sums = nullptr;           // [slots, sum_floats(...)]
  float* spare = nullptr;          // [sum_floats(...)], private to the thread
  std::int32_t* fields = nullptr;  // [slots, field_ints(...)], zero at first
  float* const* nobody = nullptr;  // [4]: rows of no feature, ones at first, private to the thread
};

struct TrainJob {
  const Rows* rows = nullptr;
  const std::int64_t* order = nullptr;  // [steps, rows_a_step(...)]: row numbers
  std::int64_t begin = 0, end = 0;      // span of steps
  const Spec* spec = nullptr;
  const Layout* layout = nullptr;
  float* table = nullptr;  // [n_features, layout.stride]
  std::int64_t n_features = 0;
  // Parameters that every sample shares, private to the thread, [n_outputs, layout.shared]: the
  // bias and its state, then for an FwFM the weights of the pairs of fields, each with its state,
  // [n_fields, n_fields, 1 + slots], of which the upper triangle is used.
  float* shared = nullptr;
  const float* class_weight = nullptr;  // [n_classes], or null
  std::int64_t n_classes = 0;
  HotRows hot;
  std::int64_t ahead = 1;        // steps staged before they are taken
  std::int64_t longest = 0;      // most entries in a row of the span, in whole fours
  std::int64_t most_fields = 0;  // most fields present in a row, of models that use fields
  Workspace work;                // slots for the rows of ahead + 1 steps
};

struct Outcome {
  double loss = 0;                      // sum of weight * loss, each before its own update
  double weight = 0;                    // sum of weights
  std::optional<std::int64_t> bad_row;  // first row refused, any number
};

// What scoring sees of one field of a sample: a feature, or the sum of several.
struct FieldEntry {
  const float* v = nullptr;
  float* sum = nullptr;  // where the sum is, which is then v
  std::int64_t block =
      0;  // FFM: offset, in any feature, of the factors towards this field; FwFM: it
  float x = 0;
};

struct ScoreJob {
  const Rows* rows = nullptr;
  std::int64_t begin = 0, end = 0;
  const Rows* context = nullptr;  // one row that every row is scored together with, or null
  const Spec* spec = nullptr;
  View view;
  float* out = nullptr;  // [n_rows, n_outputs]
  // Scratch, private to the thread: sums of the context, one an output, and room for one row.
  float* linear = nullptr;
  float* inside = nullptr;
  float* sums = nullptr;
  std::int32_t* place = nullptr;    // [n_fields], of models that use fields
  FieldEntry* entries = nullptr;    // [n_outputs, entry_capacity], likewise
  std::int64_t entry_capacity = 0;  // of the longest row and the context
  std::uint32_t* known_ids = nullptr;
  float* known_values = nullptr;
  std::uint16_t* known_fields = nullptr;
};

// What a sample's sums take at most, in floats and (for its fields) in ints.
std::int64_t sum_floats(const Spec& spec, std::int64_t longest);
std::int64_t field_ints(const Spec& spec, std::int64_t longest);

// One instruction set's kernels.
struct Kernels {
  const char* name;
  Outcome (*train)(const TrainJob&);        // sample after sample
  Outcome (*train_pairs)(const TrainJob&);  // pair after pair
  void (*score)(const ScoreJob&);
};

#define FIELDFARE_DECLARE_KERNELS(isa)      \
  namespace isa {                           \
  Outcome train(const TrainJob& job);       \
  Outcome train_pairs(const TrainJob& job); \
  void score(const ScoreJob& job);          \
  }
FIELDFARE_DECLARE_KERNELS(plain)
FIELDFARE_DECLARE_KERNELS(baseline)
FIELDFARE_DECLARE_KERNELS(v3)
#undef FIELDFARE_DECLARE_KERNELS

// Dispatch: threads over the chosen instruction set.
Outcome train(const TrainJob& job, std::int64_t n_threads);
void score(const ScoreJob& job, std::int64_t n_threads);

const Kernels* all_kernels(int* count);
const Kernels& kernels_in_use();
bool use_kernels(const char* name);

}  // namespace fieldfare
