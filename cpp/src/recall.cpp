// One step of Gauss-Newton for one side. Every number belongs to a row or a feature that one thread
// computes whole, and sums over them are made in order: any number of threads gives the same bits.
#include "fieldfare/recall.hpp"

#include <algorithm>
#include <string_view>

#include "fieldfare/kernels.hpp"
#include "fieldfare/team.hpp"

namespace fieldfare {

namespace {

constexpr std::int64_t gram_chunks = 16, gram_tile = 1024;
constexpr std::int64_t cost_of_row = 64;  // beside its entries

using Floats = std::vector<float>;

// Half the loss along a direction, t times which is gone: of t, t^2, t^3 and t^4.
struct Polynomial {
  double of[5] = {};

  double at(double t) const { return t * (of[1] + t * (of[2] + t * (of[3] + t * of[4]))); }
  double slope(double t) const { return of[1] + t * (2 * of[2] + t * (3 * of[3] + t * 4 * of[4])); }
};

const RecallKernels& kernels() {
  const std::string_view name = kernels_in_use().name;
#ifdef FIELDFARE_HAVE_v3
  if (name == "v3") return v3::recall_kernels;
#endif
  return name == "plain" ? plain::recall_kernels : baseline::recall_kernels;
}

std::size_t size_of(std::int64_t n) { return static_cast<std::size_t>(n); }

double total(const std::vector<double>& parts) {
  double sum = 0;
  for (const double part : parts) sum += part;
  return sum;
}

double dot(const float* x, const float* y, std::int64_t n) {
  double sum = 0;
  for (std::int64_t d = 0; d < n; ++d) sum += static_cast<double>(x[d]) * y[d];
  return sum;
}

// This member's share of n rows of unequal cost; cost(i) is that of the rows before i.
template <class Cost, class Work>
void share_by_cost(const Member& member, std::int64_t n, const Cost& cost, const Work& work) {
  const auto first_with = [&](std::int64_t wanted) {
    std::int64_t low = 0, high = n;
    while (low < high) {
      const std::int64_t middle = (low + high) / 2;
      if (cost(middle) < wanted) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  };
  member.share(cost(n), [&](std::int64_t from, std::int64_t to) {
    const std::int64_t begin = first_with(from), end = to == cost(n) ? n : first_with(to);
    if (begin < end) work(begin, end);
  });
}

// sum_j x_j^2 a_j over the features of a row.
double sum_squares(const Sparse& rows, std::int64_t i, const std::vector<double>& a) {
  double sum = 0;
  for (std::int64_t e = rows.start[i]; e < rows.start[i + 1]; ++e) {
    sum += static_cast<double>(rows.value[e]) * rows.value[e] * a[rows.index[e]];
  }
  return sum;
}

// Where the polynomial, which first falls, first stops falling. By bisection, which any bears.
double nearest_minimum(const Polynomial& p) {
  if (!(p.of[1] < 0)) return 0;
  constexpr double step = 1.0 / 16, most = 16;
  double low = 0, high = step;
  for (; p.slope(high) < 0 && high < most; high += step) low = high;
  for (int i = 0; i < 40; ++i) {
    const double middle = (low + high) / 2;
    (p.slope(middle) < 0 ? low : high) = middle;
  }
  return (low + high) / 2;
}

class Step {
 public:
  Step(const RecallSide& side, const RecallProblem& problem, float* parameters, float* vectors)
      : side_(side),
        problem_(problem),
        stride_(recall_stride(problem.k)),
        theta_(parameters),
        vectors_(vectors),
        gram_(size_of(stride_ * stride_)),
        gram_tiles_(size_of(gram_chunks * stride_ * stride_)),
        gram_parts_(size_of(gram_chunks * stride_ * stride_)),
        slope_(size_of(side.n_rows * stride_)),
        product_(size_of(side.n_rows * stride_)),
        moved_(size_of(side.n_rows * stride_)),
        residual_(size_of(side.n_features * stride_)),
        scale_(size_of(side.n_features * stride_)),
        direction_(size_of(side.n_features * stride_)),
        applied_(size_of(side.n_features * stride_)),
        change_(size_of(side.n_features * stride_)),
        inner_(size_of(side.n_features)),
        by_feature_(size_of(side.n_features)),
        by_row_(size_of(side.n_rows)),
        row_terms_(size_of(side.n_rows)),
        feature_terms_(size_of(side.n_features)) {
    job_.seen = view_of(side.seen);
    job_.partners = problem.partners;
    job_.gram = gram_.data();
    job_.width = problem.k + 1;
    job_.stride = stride_;
    job_.unobserved = problem.unobserved;
  }

  RecallOutcome run(std::int64_t n_threads, const std::function<bool()>& go_on) {
    RecallOutcome outcome;
    run_team(n_threads, [&](Member& member) {
      find_gram(member);
      start(member);
      for (std::int64_t s = 0; s < problem_.steps; ++s) {
        if (member.first()) outcome.complete = go_on();
        member.meet();
        if (!outcome.complete) return;
        conjugate(member);
      }
      finish(member);
    });
    outcome.loss = loss_;
    return outcome;
  }

 private:
  template <class Work>
  void rows(const Member& member, const Work& work) const {
    const auto cost = [&](std::int64_t i) {
      return side_.seen.start[i] + side_.rows.start[i] + cost_of_row * i;
    };
    share_by_cost(member, side_.n_rows, cost, work);
  }

  template <class Work>
  void features(const Member& member, const Work& work) const {
    const auto cost = [&](std::int64_t j) { return side_.columns.start[j] + j; };
    share_by_cost(member, side_.n_features, cost, work);
  }

  bool is_free(std::int64_t j, std::int64_t d) const {
    if (j < problem_.first_free || d > problem_.k) return false;
    return d < problem_.k || (side_.items && problem_.linear);
  }

  // Sum over numbers that the members have each a part of; all of them are then known to all.
  double sum(Member& member, const std::vector<double>& parts) {
    member.meet();
    if (member.first()) sum_ = total(parts);
    member.meet();
    return sum_;
  }

  // G, the sum of the partners' outer products.
  void find_gram(Member& member) {
    const std::int64_t cells = stride_ * stride_, n = side_.n_partners;
    member.share(gram_chunks, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t c = from; c < to; ++c) {
        float* tile = &gram_tiles_[c * cells];
        const std::int64_t end = n * (c + 1) / gram_chunks;
        for (std::int64_t i = n * c / gram_chunks; i < end; i += gram_tile) {
          std::fill_n(tile, cells, 0.0F);
          kernels().gram(problem_.partners + i * stride_, std::min(gram_tile, end - i),
                         problem_.k + 1, stride_, tile);
          for (std::int64_t d = 0; d < cells; ++d) gram_parts_[c * cells + d] += tile[d];
        }
      }
    });
    member.meet();
    member.share(cells, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t d = from; d < to; ++d) {
        double cell = 0;
        for (std::int64_t c = 0; c < gram_chunks; ++c) cell += gram_parts_[c * cells + d];
        gram_[d] = static_cast<float>(cell);
      }
    });
    member.meet();
  }

  // d vectors = J change: what a change of the parameters does to the vectors, at first order.
  void push(Member& member, const Floats& change, Floats& out) {
    const std::int64_t k = problem_.k;
    if (side_.items) {
      features(member, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t j = begin; j < end; ++j) {
          inner_[j] = dot(theta_ + j * stride_, change.data() + j * stride_, k);
        }
      });
      member.meet();
    }
    rows(member, [&](std::int64_t begin, std::int64_t end) {
      kernels().combine(view_of(side_.rows), change.data(), out.data(), stride_, begin, end);
      for (std::int64_t i = begin; i < end; ++i) {
        float* row = out.data() + i * stride_;
        if (!side_.items) {
          row[k] = 0;
          continue;
        }
        const double pairs =
            dot(vectors_ + i * stride_, row, k) - sum_squares(side_.rows, i, inner_);
        row[k] += static_cast<float>(pairs);
      }
    });
    member.meet();
  }

  // out = J^T rows + penalty * base; `rows` is spent.
  void pull(Member& member, Floats& vectors, const float* base, Floats& out) {
    const std::int64_t k = problem_.k;
    if (side_.items) {
      rows(member, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          float* row = vectors.data() + i * stride_;
          const float* own = vectors_ + i * stride_;
          by_row_[i] = row[k];
          for (std::int64_t d = 0; d < k; ++d) row[d] += row[k] * own[d];
        }
      });
    }
    member.meet();
    features(member, [&](std::int64_t begin, std::int64_t end) {
      kernels().combine(view_of(side_.columns), vectors.data(), out.data(), stride_, begin, end);
      for (std::int64_t j = begin; j < end; ++j) {
        float* row = out.data() + j * stride_;
        const float* own = theta_ + j * stride_;
        const auto pairs =
            static_cast<float>(side_.items ? weighted(side_.squares, j, by_row_) : 0.0);
        for (std::int64_t d = 0; d < stride_; ++d) {
          if (!is_free(j, d)) {
            row[d] = 0;
            continue;
          }
          if (d < k) row[d] -= pairs * own[d];
          row[d] += problem_.penalty[j] * base[j * stride_ + d];
        }
      }
    });
    member.meet();
  }

  static double weighted(const Sparse& columns, std::int64_t j, const std::vector<double>& a) {
    double sum = 0;
    for (std::int64_t e = columns.start[j]; e < columns.start[j + 1]; ++e) {
      sum += columns.value[e] * a[columns.index[e]];
    }
    return sum;
  }

  // Gradient, preconditioner, first direction.
  void start(Member& member) {
    rows(member, [&](std::int64_t begin, std::int64_t end) {
      WeighJob job = job_;
      job.target = 1;
      job.in = vectors_;
      job.out = slope_.data();
      job.diagonal = moved_.data();
      job.observed = by_row_.data();
      kernels().weigh(job, begin, end);
      std::copy(slope_.begin() + begin * stride_, slope_.begin() + end * stride_,
                product_.begin() + begin * stride_);
      for (std::int64_t i = begin; i < end; ++i) {
        const float* own = vectors_ + i * stride_;
        by_row_[i] =
            dot(slope_.data() + i * stride_, own, problem_.k + 1) - by_row_[i] + weights_of(i);
      }
    });
    const double loss = sum(member, by_row_);
    if (member.first()) loss_ = loss;
    member.meet();
    features(member, [&](std::int64_t begin, std::int64_t end) {
      kernels().combine(view_of(side_.squares), moved_.data(), scale_.data(), stride_, begin, end);
      for (std::int64_t j = begin; j < end; ++j) {
        for (std::int64_t d = 0; d < stride_; ++d) {
          float& scale = scale_[j * stride_ + d];
          scale = 1 / std::max(scale + problem_.penalty[j], 1e-12F);
        }
      }
    });
    pull(member, product_, theta_, residual_);
    features(member, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t j = begin; j < end; ++j) {
        double rz = 0;
        for (std::int64_t c = j * stride_; c < (j + 1) * stride_; ++c) {
          residual_[c] = -residual_[c];
          direction_[c] = scale_[c] * residual_[c];
          rz += static_cast<double>(residual_[c]) * direction_[c];
        }
        by_feature_[j] = rz;
      }
    });
    const double rz = sum(member, by_feature_);
    if (member.first()) rz_ = rz;
  }

  double weights_of(std::int64_t i) const {
    double sum = 0;
    for (std::int64_t e = side_.seen.start[i]; e < side_.seen.start[i + 1]; ++e) {
      sum += side_.seen.value[e];
    }
    return sum;
  }

  // vectors -> their products with the matrices of the rows
  void weigh(Member& member, const Floats& in, Floats& out) {
    rows(member, [&](std::int64_t begin, std::int64_t end) {
      WeighJob job = job_;
      job.in = in.data();
      job.out = out.data();
      kernels().weigh(job, begin, end);
    });
    member.meet();
  }

  // One step of preconditioned conjugate gradients.
  void conjugate(Member& member) {
    push(member, direction_, moved_);
    weigh(member, moved_, product_);
    pull(member, product_, direction_.data(), applied_);
    features(member, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t j = begin; j < end; ++j) {
        by_feature_[j] = dot(&direction_[j * stride_], &applied_[j * stride_], stride_);
      }
    });
    const double curvature = sum(member, by_feature_);
    const auto length = static_cast<float>(curvature > 0 ? rz_ / curvature : 0);
    features(member, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t j = begin; j < end; ++j) {
        double rz = 0;
        for (std::int64_t c = j * stride_; c < (j + 1) * stride_; ++c) {
          change_[c] += length * direction_[c];
          residual_[c] -= length * applied_[c];
          rz += static_cast<double>(residual_[c]) * scale_[c] * residual_[c];
        }
        by_feature_[j] = rz;
      }
    });
    const double rz = sum(member, by_feature_);
    const auto keep = static_cast<float>(rz_ > 0 ? rz / rz_ : 0);
    features(member, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t c = begin * stride_; c < end * stride_; ++c) {
        direction_[c] = scale_[c] * residual_[c] + keep * direction_[c];
      }
    });
    member.meet();
    if (member.first()) rz_ = rz;
  }

  // Goes along the change found, to the minimum of what is, along it, a polynomial of degree 4.
  void finish(Member& member) {
    const std::int64_t k = problem_.k;
    push(member, change_, moved_);
    weigh(member, moved_, product_);
    if (side_.items) {
      features(member, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t j = begin; j < end; ++j) {
          inner_[j] = dot(&change_[j * stride_], &change_[j * stride_], k);
        }
      });
      member.meet();
    }
    rows(member, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) row_terms_[i] = terms_of(i);
    });
    features(member, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t j = begin; j < end; ++j) {
        const float* change = &change_[j * stride_];
        feature_terms_[j].of[1] = problem_.penalty[j] * dot(theta_ + j * stride_, change, k + 1);
        feature_terms_[j].of[2] = problem_.penalty[j] * dot(change, change, k + 1) / 2;
      }
    });
    member.meet();
    if (member.first()) find_length();
    member.meet();
    move(member, length_);
  }

  void find_length() {
    Polynomial loss, whole;
    for (int t = 1; t < 5; ++t) {
      for (const Polynomial& row : row_terms_) loss.of[t] += row.of[t];
      whole.of[t] = loss.of[t];
      for (const Polynomial& feature : feature_terms_) whole.of[t] += feature.of[t];
    }
    length_ = nearest_minimum(whole);
    loss_ += 2 * loss.at(length_);
  }

  Polynomial terms_of(std::int64_t i) {
    const std::int64_t k = problem_.k, c = i * stride_;
    const double bent = by_row_[i] = bend(i);
    Polynomial terms;
    terms.of[1] = dot(&slope_[c], &moved_[c], k + 1);
    terms.of[2] = bent * slope_[c + k] + dot(&product_[c], &moved_[c], k + 1) / 2;
    terms.of[3] = bent * product_[c + k];
    terms.of[4] = bent * bent * last_diagonal(i) / 2;
    return terms;
  }

  // Second-order change of an item's s along the direction.
  double bend(std::int64_t i) const {
    if (!side_.items) return 0;
    const float* moved = &moved_[i * stride_];
    return (dot(moved, moved, problem_.k) - sum_squares(side_.rows, i, inner_)) / 2;
  }

  // The matrix of a row, at the place of s; queries have a 1 there.
  double last_diagonal(std::int64_t i) const {
    const std::int64_t k = problem_.k;
    const auto n_seen = static_cast<double>(side_.seen.start[i + 1] - side_.seen.start[i]);
    const auto unobserved = static_cast<double>(problem_.unobserved);
    return unobserved * gram_[k * stride_ + k] + weights_of(i) - unobserved * n_seen;
  }

  void move(Member& member, double length) {
    const auto t = static_cast<float>(length);
    rows(member, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t c = begin * stride_; c < end * stride_; ++c) vectors_[c] += t * moved_[c];
      for (std::int64_t i = begin; i < end; ++i) {
        vectors_[i * stride_ + problem_.k] += static_cast<float>(length * length * by_row_[i]);
      }
    });
    features(member, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t c = begin * stride_; c < end * stride_; ++c) theta_[c] += t * change_[c];
    });
  }

  const RecallSide& side_;
  const RecallProblem& problem_;
  std::int64_t stride_;
  float *theta_, *vectors_;
  WeighJob job_;
  Floats gram_, gram_tiles_, gram_parts_;
  Floats slope_, product_, moved_;                          // [n_rows, stride]
  Floats residual_, scale_, direction_, applied_, change_;  // [n_features, stride]
  std::vector<double> inner_, by_feature_, by_row_;
  std::vector<Polynomial> row_terms_, feature_terms_;
  double sum_ = 0, rz_ = 0, loss_ = 0, length_ = 0;
};

}  // namespace

void transpose(RecallSide& side) {
  side.columns = transposed(side.rows, side.n_features);
  side.squares = side.columns;
  for (float& value : side.squares.value) value *= value;
}

void recall_vectors(const RecallSide& side, const float* parameters, std::int64_t k, float* out,
                    std::int64_t n_threads) {
  const std::int64_t stride = recall_stride(k);
  std::vector<double> norms(size_of(side.items ? side.n_features : 0));
  for (std::int64_t j = 0; j < std::ssize(norms); ++j) {
    norms[j] = dot(parameters + j * stride, parameters + j * stride, k);
  }
  run_team(n_threads, [&](Member& member) {
    member.share(side.n_rows, [&](std::int64_t begin, std::int64_t end) {
      kernels().combine(view_of(side.rows), parameters, out, stride, begin, end);
      for (std::int64_t i = begin; i < end; ++i) {
        float* row = out + i * stride;
        if (!side.items) {
          row[k] = 1;
          continue;
        }
        row[k] += static_cast<float>((dot(row, row, k) - sum_squares(side.rows, i, norms)) / 2);
      }
    });
  });
}

RecallOutcome solve_side(const RecallSide& side, const RecallProblem& problem, float* parameters,
                         float* vectors, std::int64_t n_threads,
                         const std::function<bool()>& go_on) {
  return Step(side, problem, parameters, vectors).run(n_threads, go_on);
}

}  // namespace fieldfare
