@main struct AssayCommand { static func main() {} }
