#include "runtime/host/onednn.h"

#if __has_include(<dnnl.h>)

#include <dlfcn.h>
#include <dnnl.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "absl/strings/str_cat.h"

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
  void (*omp_set_num_threads)(int) = nullptr;  // null where the library has no OpenMP
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

class Call final : public OnednnCall {
 public:
  Call(dnnl_stream_t stream, int threads, bool constant_filter)
      : stream_(stream), threads_(threads), constant_filter_(constant_filter) {}

  bool Create(const Maker& maker, const LibraryOperation& operation) {
    const Library& library = TheLibrary();
    Descs descs = {};
    dnnl_primitive_desc_t desc =
        std::visit([&](const auto& call) { return maker(call, descs); }, operation);
    if (desc == nullptr) return false;
    const dnnl_memory_desc_t wanted =
        *library.dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0);
    if (!primitive_.Create(desc) || !first_.Create(descs.first) || !second_.Create(descs.second) ||
        !output_.Create(descs.output)) {
      return false;
    }
    if (library.dnnl_memory_desc_equal(&wanted, &descs.second)) return true;
    reorders_ = true;
    dnnl_primitive_desc_t reorder = nullptr;
    return library.dnnl_reorder_primitive_desc_create(&reorder, &descs.second, library.engine,
                                                      &wanted, library.engine,
                                                      maker.attributes) == dnnl_success &&
           reorder_.Create(reorder) && reordered_.Create(wanted, /*owned=*/true);
  }

  bool Run(absl::Span<void* const> inputs, void* output) override {
    const Library& library = TheLibrary();
    // A setting of the calling thread, which may be any.
    if (library.omp_set_num_threads != nullptr) library.omp_set_num_threads(threads_);
    if (!first_.Set(inputs[0]) || !second_.Set(inputs[1]) || !output_.Set(output)) return false;
    if (reorders_ && !reordered_once_) {
      if (!reorder_.Execute(stream_,
                            {{DNNL_ARG_FROM, second_.get()}, {DNNL_ARG_TO, reordered_.get()}})) {
        return false;
      }
      reordered_once_ = constant_filter_;
    }
    return primitive_.Execute(stream_,
                              {{DNNL_ARG_SRC, first_.get()},
                               {DNNL_ARG_WEIGHTS, reorders_ ? reordered_.get() : second_.get()},
                               {DNNL_ARG_DST, output_.get()}});
  }

 private:
  dnnl_stream_t stream_;
  const int threads_;
  const bool constant_filter_;
  bool reorders_ = false;        // the library wants another layout of the second input
  bool reordered_once_ = false;  // and `reordered_` holds it for good
  Primitive primitive_, reorder_;
  Memory first_, second_, output_, reordered_;
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

std::unique_ptr<OnednnCall> OnednnCall::Create(const LibraryOperation& operation, int threads,
                                               bool constant_filter) {
  const Library& library = TheLibrary();
  if (!library.absence.empty() || !LibraryCallSupported(operation)) return nullptr;
  Maker maker = {TheStream(), nullptr};
  if (maker.stream == nullptr ||
      library.dnnl_primitive_attr_create(&maker.attributes) != dnnl_success) {
    return nullptr;
  }
  library.dnnl_primitive_attr_set_scratchpad_mode(maker.attributes, dnnl_scratchpad_mode_user);
  auto call = std::make_unique<Call>(maker.stream, threads, constant_filter);
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

std::unique_ptr<OnednnCall> OnednnCall::Create(const LibraryOperation&, int, bool) {
  return nullptr;
}

std::string OnednnDescription() { return "built without oneDNN's headers"; }

}  // namespace ingot::runtime

#endif
