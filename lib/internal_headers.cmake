# The headers for the library's own sources, which are neither installed nor among Doxygen's pages: paths below
# reprise/, of headers without .hpp, or of folders with a slash at the end. Those named *-inl.hpp are left out
# as well.
set(REPRISE_INTERNAL_HEADERS
  record/description record/details record/schema_rules record/summary_steps record/toml_table
  record_file/reader/ record_file/hdf5 record_file/hdf5_image record_file/reader_process
  record_file/reader_program record_file/reading_limits record_file/record_stream record_file/superblock
  conv/conv_problem conv/direct/ conv/fft/ conv/im2col_gemm/ conv/onednn/ conv/winograd/
  core/file_descriptor core/manual_page core/parallel_backend data/dataset_folder data/image_view
  exchange/formats exchange/incoming_weights exchange/npy exchange/tensor_places exchange/zip
  linalg/dispatch linalg/gemm_unpacked linalg/unroll nn/layer_convolution nn/models/chain nn/models/digit_codes
  pool/window run/rank_witness run/ranks_module run/toml_settings)
