#include "runtime/host/onednn.h"

#if __has_include(<dnnl.h>)

#include <dlfcn.h>
#include <dnnl.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ir/base/integers.h"

// Types and constants are the header's (2.x: dnnl_memory_desc_t is a plain struct); the functions
// are looked up in the library that is there.
#define INGOT_DNNL_FUNCTIONS(X)                 \
  X(dnnl_engine_create)                         \
  X(dnnl_stream_create)                         \
  X(dnnl_stream_wait)                           \
  X(dnnl_version)                               \
  X(dnnl_memory_desc_init_by_strides)           \
  X(dnnl_memory_desc_init_by_tag)               \
  X(dnnl_memory_desc_get_size)                  \
  X(dnnl_memory_desc_equal)                     \
  X(dnnl_memory_create)                         \
  X(dnnl_memory_destroy)                        \
  X(dnnl_memory_set_data_handle)                \
  X(dnnl_matmul_desc_init)                      \
  X(dnnl_dilated_convolution_forward_desc_init) \
  X(dnnl_reorder_primitive_desc_create)         \
  X(dnnl_primitive_attr_create)                 \
  X(dnnl_primitive_attr_destroy)                \
  X(dnnl_primitive_attr_set_scratchpad_mode)    \
  X(dnnl_primitive_desc_create)                 \
  X(dnnl_primitive_desc_destroy)                \
  X(dnnl_primitive_desc_query_md)               \
  X(dnnl_primitive_create)                      \
  X(dnnl_primitive_destroy)                     \
  X(dnnl_primitive_execute)

namespace ingot::runtime {
namespace {

struct Library {
#define INGOT_DNNL_MEMBER(name) decltype(&::name) name = nullptr;
  INGOT_DNNL_FUNCTIONS(INGOT_DNNL_MEMBER)
#undef INGOT_DNNL_MEMBER
  // Null where the library has no OpenMP.
  void (*omp_set_num_threads)(int) = nullptr;
  int (*omp_get_max_threads)() = nullptr;
  dnnl_engine_t engine = nullptr;
  std::string absence;  // why there is none; empty when there is
};

Library* Open() {
  auto* library = new Library;
  void* handle = dlopen("libdnnl.so.2", RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    library->absence = "libdnnl.so.2 is not installed";
    return library;
  }
#define INGOT_DNNL_LOOK_UP(name)                                             \
  library->name = reinterpret_cast<decltype(&::name)>(dlsym(handle, #name)); \
  if (library->name == nullptr) library->absence = "libdnnl.so.2 has no " #name;
  INGOT_DNNL_FUNCTIONS(INGOT_DNNL_LOOK_UP)
#undef INGOT_DNNL_LOOK_UP
  if (!library->absence.empty()) return library;
  // The structs of dnnl_types.h grow from one minor version to the next.
  const dnnl_version_t* version = library->dnnl_version();
  if (version->major != DNNL_VERSION_MAJOR || version->minor != DNNL_VERSION_MINOR) {
    library->absence = absl::StrCat("libdnnl.so.2 is ", version->major, ".", version->minor,
                                    ", not ", DNNL_VERSION_MAJOR, ".", DNNL_VERSION_MINOR);
    return library;
  }
  library->omp_set_num_threads =
      reinterpret_cast<void (*)(int)>(dlsym(handle, "omp_set_num_threads"));
  library->omp_get_max_threads = reinterpret_cast<int (*)()>(dlsym(handle, "omp_get_max_threads"));
  if (library->dnnl_engine_create(&library->engine, dnnl_cpu, 0) != dnnl_success) {
    library->absence = "oneDNN has no CPU engine";
  }
  return library;
}

// Opened by the first that asks, and never closed: its OpenMP threads outlive us.
const Library& TheLibrary() {
  static const Library* library = Open();
  return *library;
}

// While it lives, the library uses no threads but the one that calls it.  (OpenMP's number of
// threads is a setting of each thread; it is put back, since the thread may be the user's.)
class OneThread {
 public:
  OneThread() {
    const Library& library = TheLibrary();
    if (library.omp_set_num_threads == nullptr || library.omp_get_max_threads == nullptr) return;
    before_ = library.omp_get_max_threads();
    library.omp_set_num_threads(1);
  }
  ~OneThread() {
    if (before_ > 0) TheLibrary().omp_set_num_threads(before_);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_ = 0;
};

dnnl_data_type_t TypeOf(ElementType type) {
  return type == ElementType::kBF16 ? dnnl_bf16 : dnnl_f32;  // LibraryCallSupported knows no more
}

dnnl_memory_desc_t Describe(ElementType type, const std::vector<int64_t>& sizes,
                            const std::vector<int64_t>& strides) {
  dnnl_memory_desc_t desc = {};
  TheLibrary().dnnl_memory_desc_init_by_strides(&desc, static_cast<int>(sizes.size()), sizes.data(),
                                                TypeOf(type), strides.data());
  return desc;
}

// A batch of matrices; the strides of dimensions of size 1, which mean nothing, are set so that
// the library sees a row- or column-major matrix.
dnnl_memory_desc_t DescribeMatrix(ElementType type, int64_t batch, int64_t rows, int64_t columns,
                                  const std::array<int64_t, 3>& strides) {
  int64_t row = strides[1], column = strides[2];
  if (columns == 1) column = row == 1 ? rows : 1;
  if (rows == 1) row = column == 1 ? columns : 1;
  if (batch == 1) return Describe(type, {rows, columns}, {row, column});
  return Describe(type, {batch, rows, columns}, {strides[0], row, column});
}

struct Descs {
  dnnl_memory_desc_t first, second, output;
};

// A primitive with its own scratch memory.
class Primitive {
 public:
  Primitive() = default;
  Primitive(const Primitive&) = delete;
  Primitive& operator=(const Primitive&) = delete;
  ~Primitive() {
    const Library& library = TheLibrary();
    if (scratch_ != nullptr) library.dnnl_memory_destroy(scratch_);
    if (primitive_ != nullptr) library.dnnl_primitive_destroy(primitive_);
    std::free(scratch_bytes_);
  }

  // Takes `desc`, which was made with a user's scratchpad.
  bool Create(dnnl_primitive_desc_t desc) {
    const Library& library = TheLibrary();
    const dnnl_memory_desc_t* scratch =
        library.dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0);
    const size_t bytes = scratch == nullptr ? 0 : library.dnnl_memory_desc_get_size(scratch);
    bool ok = library.dnnl_primitive_create(&primitive_, desc) == dnnl_success;
    if (ok && bytes > 0) {
      ok = posix_memalign(&scratch_bytes_, 4096, bytes) == 0 &&
           library.dnnl_memory_create(&scratch_, scratch, library.engine, scratch_bytes_) ==
               dnnl_success;
    }
    library.dnnl_primitive_desc_destroy(desc);
    return ok;
  }

  bool Execute(dnnl_stream_t stream, std::initializer_list<dnnl_exec_arg_t> arguments) const {
    dnnl_exec_arg_t all[5];
    int count = 0;
    for (const dnnl_exec_arg_t& argument : arguments) all[count++] = argument;
    if (scratch_ != nullptr) all[count++] = {DNNL_ARG_SCRATCHPAD, scratch_};
    const Library& library = TheLibrary();
    return library.dnnl_primitive_execute(primitive_, stream, count, all) == dnnl_success &&
           library.dnnl_stream_wait(stream) == dnnl_success;
  }

 private:
  dnnl_primitive_t primitive_ = nullptr;
  dnnl_memory_t scratch_ = nullptr;
  void* scratch_bytes_ = nullptr;
};

// Memory whose address is set at each call, or which is owned (`bytes`).
class Memory {
 public:
  Memory() = default;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() {
    if (memory_ != nullptr) TheLibrary().dnnl_memory_destroy(memory_);
    std::free(bytes_);
  }
  bool Create(const dnnl_memory_desc_t& desc, bool owned = false) {
    const Library& library = TheLibrary();
    if (owned && posix_memalign(&bytes_, 4096, library.dnnl_memory_desc_get_size(&desc)) != 0) {
      return false;
    }
    return library.dnnl_memory_create(&memory_, &desc, library.engine, bytes_) == dnnl_success;
  }
  bool Set(void* address) const {
    return TheLibrary().dnnl_memory_set_data_handle(memory_, address) == dnnl_success;
  }
  dnnl_memory_t get() const { return memory_; }

 private:
  dnnl_memory_t memory_ = nullptr;
  void* bytes_ = nullptr;
};

// Makes the operation's description; `desc` is any oneDNN operation descriptor.
struct Maker {
  dnnl_stream_t stream;
  dnnl_primitive_attr_t attributes;

  dnnl_primitive_desc_t PrimitiveDesc(const void* desc) const {
    dnnl_primitive_desc_t result = nullptr;
    TheLibrary().dnnl_primitive_desc_create(&result, desc, attributes, TheLibrary().engine,
                                            nullptr);
    return result;
  }

  dnnl_primitive_desc_t operator()(const DotCall& dot, Descs& descs) const {
    descs.first = DescribeMatrix(dot.lhs_type, dot.batch, dot.m, dot.k, dot.lhs_strides);
    descs.second = DescribeMatrix(dot.rhs_type, dot.batch, dot.k, dot.n, dot.rhs_strides);
    descs.output = DescribeMatrix(dot.output_type, dot.batch, dot.m, dot.n, dot.output_strides);
    dnnl_matmul_desc_t desc;
    if (TheLibrary().dnnl_matmul_desc_init(&desc, &descs.first, &descs.second, nullptr,
                                           &descs.output) != dnnl_success) {
      return nullptr;
    }
    return PrimitiveDesc(&desc);
  }

  dnnl_primitive_desc_t operator()(const ConvolutionCall& conv, Descs& descs) const {
    const auto sizes = [](std::vector<int64_t> leading, const std::vector<int64_t>& spatial) {
      leading.insert(leading.end(), spatial.begin(), spatial.end());
      return leading;
    };
    descs.first =
        Describe(conv.input_type, sizes({conv.batch, conv.input_channels}, conv.input_spatial),
                 conv.input_strides);
    descs.output =
        Describe(conv.output_type, sizes({conv.batch, conv.output_channels}, conv.output_spatial),
                 conv.output_strides);
    // The library's filter has a leading dimension for the groups when there are some.
    std::vector<int64_t> filter_sizes =
        sizes({conv.output_channels / conv.groups, conv.input_channels / conv.groups},
              conv.filter_spatial);
    std::vector<int64_t> filter_strides = conv.filter_strides;
    if (conv.groups > 1) {
      filter_strides.insert(filter_strides.begin(), filter_strides[0] * filter_sizes[0]);
      filter_sizes.insert(filter_sizes.begin(), conv.groups);
    }
    descs.second = Describe(conv.filter_type, filter_sizes, filter_strides);
    // It may choose a blocked layout for the filter, which is small beside the work.
    dnnl_memory_desc_t filter_any = {};
    TheLibrary().dnnl_memory_desc_init_by_tag(&filter_any, static_cast<int>(filter_sizes.size()),
                                              filter_sizes.data(), TypeOf(conv.filter_type),
                                              dnnl_format_tag_any);
    std::vector<int64_t> dilates;  // counted from 0
    for (int64_t dilation : conv.window_dilation) dilates.push_back(dilation - 1);
    dnnl_convolution_desc_t desc;
    if (TheLibrary().dnnl_dilated_convolution_forward_desc_init(
            &desc, dnnl_forward_inference, dnnl_convolution_direct, &descs.first, &filter_any,
            nullptr, &descs.output, conv.window_strides.data(), dilates.data(),
            conv.padding_low.data(), conv.padding_high.data()) != dnnl_success) {
      return nullptr;
    }
    return PrimitiveDesc(&desc);
  }
};

// A part of an operation: the same operation, of a range of one dimension.
struct Piece {
  LibraryOperation operation;
  // Bytes from the start of each operand to the part's.
  int64_t first = 0, second = 0, output = 0;
};

// Parts that a thread is worth waking for, and at most `threads`.
int64_t PartsWorth(double flops, int threads) {
  constexpr double kFlopsPerPart = 500e3;  // some 10 microseconds of a core
  return static_cast<int64_t>(std::clamp(flops / kFlopsPerPart, 1.0, 1.0 * threads));
}

// Calls add(begin, end) for about `parts` ranges of [0, size), multiples of `multiple` long.
template <typename Add>
void ForRanges(int64_t size, int64_t parts, int64_t multiple, Add add) {
  const int64_t even = CeilDiv(size, parts);
  const int64_t step = RoundUp(even, multiple);
  for (int64_t begin = 0; begin < size; begin += step) add(begin, std::min(size, begin + step));
}

struct Splitter {
  int threads;

  std::vector<Piece> operator()(const DotCall& dot) const {
    const int64_t parts = PartsWorth(2.0 * dot.batch * dot.m * dot.n * dot.k, threads);
    const int64_t lhs_bytes = ByteWidth(dot.lhs_type), rhs_bytes = ByteWidth(dot.rhs_type),
                  output_bytes = ByteWidth(dot.output_type);
    std::vector<Piece> pieces;
    const auto add = [&](int64_t DotCall::*dimension, int64_t begin, int64_t end, int64_t lhs,
                         int64_t rhs, int64_t output) {
      DotCall part = dot;
      part.*dimension = end - begin;
      pieces.push_back(
          {part, begin * lhs * lhs_bytes, begin * rhs * rhs_bytes, begin * output * output_bytes});
    };
    if (dot.batch >= parts) {
      ForRanges(dot.batch, parts, 1, [&](int64_t begin, int64_t end) {
        add(&DotCall::batch, begin, end, dot.lhs_strides[0], dot.rhs_strides[0],
            dot.output_strides[0]);
      });
    } else if (dot.m >= dot.n) {
      ForRanges(dot.m, parts, 16, [&](int64_t begin, int64_t end) {
        add(&DotCall::m, begin, end, dot.lhs_strides[1], 0, dot.output_strides[1]);
      });
    } else {
      ForRanges(dot.n, parts, 16, [&](int64_t begin, int64_t end) {
        add(&DotCall::n, begin, end, 0, dot.rhs_strides[2], dot.output_strides[2]);
      });
    }
    return pieces;
  }

  std::vector<Piece> operator()(const ConvolutionCall& conv) const {
    double flops = 2.0 * conv.batch * conv.output_channels * conv.input_channels / conv.groups;
    for (int64_t size : conv.output_spatial) flops *= static_cast<double>(size);
    for (int64_t size : conv.filter_spatial) flops *= static_cast<double>(size);
    const int64_t parts = PartsWorth(flops, threads);
    const int64_t input_bytes = ByteWidth(conv.input_type),
                  filter_bytes = ByteWidth(conv.filter_type),
                  output_bytes = ByteWidth(conv.output_type);
    std::vector<Piece> pieces;
    if (conv.batch >= parts || conv.groups > 1) {
      ForRanges(conv.batch, parts, 1, [&](int64_t begin, int64_t end) {
        ConvolutionCall part = conv;
        part.batch = end - begin;
        pieces.push_back({part, begin * conv.input_strides[0] * input_bytes, 0,
                          begin * conv.output_strides[0] * output_bytes});
      });
    } else {
      ForRanges(conv.output_channels, parts, 16, [&](int64_t begin, int64_t end) {
        ConvolutionCall part = conv;
        part.output_channels = end - begin;
        pieces.push_back({part, 0, begin * conv.filter_strides[0] * filter_bytes,
                          begin * conv.output_strides[1] * output_bytes});
      });
    }
    return pieces;
  }
};

void* Advance(void* address, int64_t bytes) { return static_cast<uint8_t*>(address) + bytes; }

// The second input in the layout that the library wants, for the parts that share it.
struct Filter {
  int64_t offset = 0;  // of the part of the second input, bytes
  dnnl_memory_desc_t layout = {};
  Primitive reorder;
  Memory source, reordered;
  bool done = false;  // `reordered` holds a constant filter for good
};

struct Part {
  Piece piece;
  Primitive primitive;
  Memory first, second, output;
  const Filter* filter = nullptr;  // null: the library takes the second input as it is
};

class Call final : public OnednnCall {
 public:
  Call(dnnl_stream_t stream, ThreadPool& pool, bool constant_filter)
      : stream_(stream), pool_(pool), constant_filter_(constant_filter) {}

  bool Create(const Maker& maker, const LibraryOperation& operation) {
    const OneThread one_thread;
    for (Piece& piece : std::visit(Splitter{pool_.threads()}, operation)) {
      auto part = std::make_unique<Part>();
      part->piece = std::move(piece);
      if (!CreatePart(maker, *part)) return false;
      parts_.push_back(std::move(part));
    }
    return true;
  }

  bool Run(absl::Span<void* const> inputs, void* output) override {
    inputs_ = inputs.data();
    output_ = output;
    failed_.store(false, std::memory_order_relaxed);
    {
      const OneThread one_thread;
      for (const auto& filter : filters_) {
        if (filter->done) continue;
        if (!filter->source.Set(Advance(inputs[1], filter->offset)) ||
            !filter->reorder.Execute(stream_, {{DNNL_ARG_FROM, filter->source.get()},
                                               {DNNL_ARG_TO, filter->reordered.get()}})) {
          return false;
        }
        filter->done = constant_filter_;
      }
    }
    const auto parts = static_cast<int64_t>(parts_.size());
    pool_.Run(
        parts, static_cast<int>(parts),
        [](const void* context, int64_t begin, int64_t end) {
          const auto* call = static_cast<const Call*>(context);
          const OneThread one_thread;
          for (int64_t i = begin; i < end; ++i) call->RunPart(*call->parts_[i]);
        },
        this);
    return !failed_.load(std::memory_order_relaxed);
  }

 private:
  bool CreatePart(const Maker& maker, Part& part) {
    const Library& library = TheLibrary();
    Descs descs = {};
    dnnl_primitive_desc_t desc =
        std::visit([&](const auto& call) { return maker(call, descs); }, part.piece.operation);
    if (desc == nullptr) return false;
    const dnnl_memory_desc_t wanted =
        *library.dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0);
    if (!part.primitive.Create(desc) || !part.first.Create(descs.first) ||
        !part.second.Create(descs.second) || !part.output.Create(descs.output)) {
      return false;
    }
    if (library.dnnl_memory_desc_equal(&wanted, &descs.second)) return true;
    part.filter = FilterFor(maker, part.piece.second, descs.second, wanted);
    return part.filter != nullptr;
  }

  const Filter* FilterFor(const Maker& maker, int64_t offset, const dnnl_memory_desc_t& given,
                          const dnnl_memory_desc_t& wanted) {
    const Library& library = TheLibrary();
    for (const auto& filter : filters_) {
      if (filter->offset == offset && library.dnnl_memory_desc_equal(&filter->layout, &wanted)) {
        return filter.get();
      }
    }
    auto filter = std::make_unique<Filter>();
    filter->offset = offset;
    filter->layout = wanted;
    dnnl_primitive_desc_t desc = nullptr;
    if (library.dnnl_reorder_primitive_desc_create(&desc, &given, library.engine, &wanted,
                                                   library.engine,
                                                   maker.attributes) != dnnl_success ||
        !filter->reorder.Create(desc) || !filter->source.Create(given) ||
        !filter->reordered.Create(wanted, /*owned=*/true)) {
      return nullptr;
    }
    filters_.push_back(std::move(filter));
    return filters_.back().get();
  }

  void RunPart(const Part& part) const {
    const Piece& piece = part.piece;
    const bool ok =
        part.first.Set(Advance(inputs_[0], piece.first)) &&
        part.second.Set(Advance(inputs_[1], piece.second)) &&
        part.output.Set(Advance(output_, piece.output)) &&
        part.primitive.Execute(
            stream_, {{DNNL_ARG_SRC, part.first.get()},
                      {DNNL_ARG_WEIGHTS,
                       part.filter != nullptr ? part.filter->reordered.get() : part.second.get()},
                      {DNNL_ARG_DST, part.output.get()}});
    if (!ok) failed_.store(true, std::memory_order_relaxed);
  }

  dnnl_stream_t stream_;
  ThreadPool& pool_;
  const bool constant_filter_;
  std::vector<std::unique_ptr<Filter>> filters_;
  std::vector<std::unique_ptr<Part>> parts_;
  // Of the run.
  void* const* inputs_ = nullptr;
  void* output_ = nullptr;
  mutable std::atomic<bool> failed_{false};
};

// One stream does for all: it has no state, the CPU engine runs calls where they are made.
dnnl_stream_t TheStream() {
  static const dnnl_stream_t stream = [] {
    dnnl_stream_t made = nullptr;
    TheLibrary().dnnl_stream_create(&made, TheLibrary().engine, dnnl_stream_default_flags);
    return made;
  }();
  return stream;
}

}  // namespace

std::unique_ptr<OnednnCall> OnednnCall::Create(const LibraryOperation& operation, ThreadPool& pool,
                                               bool constant_filter) {
  const Library& library = TheLibrary();
  if (!library.absence.empty() || !LibraryCallSupported(operation)) return nullptr;
  Maker maker = {TheStream(), nullptr};
  if (maker.stream == nullptr ||
      library.dnnl_primitive_attr_create(&maker.attributes) != dnnl_success) {
    return nullptr;
  }
  library.dnnl_primitive_attr_set_scratchpad_mode(maker.attributes, dnnl_scratchpad_mode_user);
  auto call = std::make_unique<Call>(maker.stream, pool, constant_filter);
  const bool created = call->Create(maker, operation);
  library.dnnl_primitive_attr_destroy(maker.attributes);
  if (!created) return nullptr;
  return call;
}

std::string OnednnDescription() {
  const Library& library = TheLibrary();
  if (!library.absence.empty()) return library.absence;
  const dnnl_version_t* version = library.dnnl_version();
  return absl::StrCat("oneDNN ", version->major, ".", version->minor, ".", version->patch);
}

}  // namespace ingot::runtime

#else

namespace ingot::runtime {

std::unique_ptr<OnednnCall> OnednnCall::Create(const LibraryOperation&, ThreadPool&, bool) {
  return nullptr;
}

std::string OnednnDescription() { return "built without oneDNN's headers"; }

}  // namespace ingot::runtime

#endif
