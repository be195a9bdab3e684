"""Custom resources: CustomResourceDefinitions compiled to served resources."""
