// What the kernels are told and what they answer: scalars and pointers only.
#pragma once

#include <cstdint>
#include <optional>

#include "fieldfare/rows.hpp"

namespace fieldfare {

enum class Kind { linear, fm, ffm };
enum class Loss { squared, logistic, softmax, pairwise, hinge };  // the last two: of pairs
enum class Rule { adagrad, rowwise_adagrad, sgd, ftrl };

// Step size and penalties of one group of parameters.
struct Rates {
  float learning_rate = 0;
  float l2 = 0;
  float l1 = 0;    // FTRL only
  float beta = 1;  // FTRL only
};

struct Spec {
  Kind kind = Kind::fm;
  Loss loss = Loss::logistic;
  Rule rule = Rule::adagrad;
  std::int64_t n_outputs = 1;  // 1 unless softmax
  std::int64_t n_factors = 0;
  std::int64_t n_fields = 0;  // FFM only
  bool intercept = true;
  bool linear = true;
  bool instance_norm = false;
  Rates bias, weights, factors;
};

// The training table has one row a feature; weights and optimiser state lie side by side, so that a
// visit touches as few cache lines as possible. Offsets and strides count floats. One output's part
// of a row is: factors | state of the factors | weight | state of the weight.
struct Layout {
  std::int64_t stride = 0;          // from one feature to the next
  std::int64_t used = 0;            // floats of a row that mean something
  std::int64_t output_stride = 0;   // from one output to the next inside a row
  std::int64_t padded_factors = 0;  // n_factors rounded up to whole lanes; the padding stays zero
  std::int64_t blocks = 0;          // latent vectors a feature: 1 for FM, n_fields for FFM
  std::int64_t factor_state = 0;    // offset of the state of the factors
  std::int64_t weight = 0;          // offset of the linear weight
  std::int64_t slots = 0;           // state values a weight: 0 SGD, 1 AdaGrad, 2 FTRL (z, n)
};

Layout layout_of(const Spec& spec);

// Where the parameters of a model lie, in a training table or in plain arrays.
struct View {
  std::int64_t n_features = 0;
  const float* bias = nullptr;  // [n_outputs] with stride bias_output
  std::int64_t bias_output = 1;
  const float* weights = nullptr;  // or null: no linear part
  std::int64_t weight_row = 0, weight_output = 0;
  const float* factors = nullptr;  // or null: linear model
  std::int64_t factor_row = 0, factor_output = 0, factor_block = 0;
  std::int64_t k = 0;
};

struct TrainJob {
  const Rows* rows = nullptr;
  const std::int64_t* order = nullptr;  // row numbers, visited in this order
  std::int64_t begin = 0, end = 0;      // span of `order`
  const Spec* spec = nullptr;
  const Layout* layout = nullptr;
  float* table = nullptr;  // [n_features, layout.stride]
  std::int64_t n_features = 0;
  float* bias = nullptr;                // [n_outputs, 1 + slots], private to the thread
  const float* class_weight = nullptr;  // [n_classes], or null
  std::int64_t n_classes = 0;
  float* scratch = nullptr;               // scratch_floats(...)
  std::int32_t* field_scratch = nullptr;  // field_scratch_ints(...)
  // Pairs have two of each; the second begins here.
  std::int64_t scratch_floats = 0, field_scratch_ints = 0;
};

struct Outcome {
  double loss = 0;                      // sum of weight * loss, each before its own update
  double weight = 0;                    // sum of weights
  std::optional<std::int64_t> bad_row;  // first row refused, any number
};

struct ScoreJob {
  const Rows* rows = nullptr;
  std::int64_t begin = 0, end = 0;
  const Spec* spec = nullptr;
  View view;
  float* out = nullptr;  // [n_rows, n_outputs]
  float* scratch = nullptr;
  std::int32_t* field_scratch = nullptr;
  Rows known;  // room for one row, for those that hold ids the model does not know
};

// Scratch that one thread needs for rows of at most `longest` entries.
std::int64_t scratch_floats(const Spec& spec, std::int64_t longest);
std::int64_t field_scratch_ints(const Spec& spec, std::int64_t longest);

// One instruction set's kernels.
struct Kernels {
  const char* name;
  Outcome (*train)(const TrainJob&);
  Outcome (*train_pairs)(const TrainJob&);
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
Outcome train(TrainJob job, std::int64_t n_threads);
// Here `order` holds pairs of rows, [n, 2], and the job's span counts pairs. The bias is not used.
Outcome train_pairs(TrainJob job, std::int64_t n_threads);
void score(ScoreJob job, std::int64_t n_threads);
void init_factors(float* out, std::int64_t first, std::int64_t last, std::int64_t width,
                  std::uint64_t seed, float scale);

const Kernels* all_kernels(int* count);
const Kernels& kernels_in_use();
bool use_kernels(const char* name);

}  // namespace fieldfare
